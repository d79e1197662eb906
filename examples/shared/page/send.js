/**
 * Sends a form and tells how far it is.
 *
 * @param {string} url
 * @param {FormData} form
 * @param {{ onProgress?: (share: number) => void, signal?: AbortSignal }} options share from 0 to 1.
 * @returns {Promise<any>} what the server answers. It rejects with the server's own words.
 */
export function sendForm(url, form, { onProgress, signal } = {}) {
  return new Promise((resolve, reject) => {
    // fetch does not tell how much of a body has left.
    const request = new XMLHttpRequest();
    request.open('POST', url);
    request.responseType = 'json';
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(total === 0 ? 1 : loaded / total);
    request.onload = () =>
      request.status < 300 ? resolve(request.response) : reject(problemOf(request.response, request.status));
    request.onerror = () => reject(new Error('The connection broke. Try again.'));
    request.onabort = () => reject(new Error('Cancelled.'));
    signal?.addEventListener('abort', () => request.abort());
    request.send(form);
  });
}

/** As fetch, for JSON; rejects with the server's own words. */
export async function ask(url, options) {
  const response = await fetch(url, options);
  const body = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok) throw problemOf(body, response.status);
  return body;
}

/** Asks for a name until somebody is signed in. */
export async function signIn(form) {
  await new Promise((resolve) => {
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const name = new FormData(form).get('name');
      const said = form.querySelector('[role=alert]');
      try {
        await ask('/session', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ name }),
        });
        form.hidden = true;
        resolve(name);
      } catch (error) {
        said.textContent = error.message;
      }
    });
    form.hidden = false;
  });
}

/** Text of a size in bytes. */
export function sizeText(bytes) {
  const units = ['B', 'KB', 'MB', 'GB'];
  const step = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
}

/** A row of a running upload: name, bar, cancel; then it goes, or says what was wrong. */
export function uploadRow(list, name) {
  const row = document.createElement('li');
  row.className = 'upload';
  const title = document.createElement('span');
  title.textContent = name;
  const bar = document.createElement('progress');
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute('aria-label', `Upload of ${name}`);
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Cancel';
  const stop = new AbortController();
  button.onclick = () => stop.abort();
  row.append(title, bar, button);
  list.append(row);
  return {
    signal: stop.signal,
    onProgress: (share) => {
      bar.value = share;
    },
    done: () => row.remove(),
    failed: (message) => {
      const said = document.createElement('span');
      said.setAttribute('role', 'alert');
      said.textContent = message;
      button.textContent = 'Dismiss';
      button.onclick = () => row.remove();
      row.replaceChildren(title, said, button);
    },
  };
}

function problemOf(body, status) {
  return new Error(body?.detail ?? `The server answered ${status}.`);
}
