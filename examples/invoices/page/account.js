/** The access token lives in this page alone; the one that lasts is a cookie that no script can read. */
let token = null;

/** Asks a route as the user. Rejects with the server's own words. */
export async function ask(url, options = {}) {
  const response = await send(url, options);
  if (response.ok) return response.status === 204 ? null : await response.json();
  throw new Error(
    (await response.json().catch(() => null))?.detail ?? `The server answered ${response.status}.`,
  );
}

/** The same, for what is no JSON. A token that has just ended is replaced, and the question asked again. */
export async function send(url, options = {}) {
  const attempt = () =>
    fetch(url, { ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } });
  const response = await attempt();
  return response.status === 401 && (await refresh()) ? attempt() : response;
}

/** What a program of this page sends with a form. */
export async function currentToken() {
  // Five minutes of life: a form that takes longer to send has been let in at its beginning.
  await refresh();
  return token;
}

/**
 * Gets the next token, if somebody is logged in. Two tabs share the cookie: one at a time, else the second would come with
 * a token that was used already, and end the login of both.
 */
export function refresh() {
  const exchange = async () => {
    const response = await fetch('/auth/refresh', { method: 'POST' });
    if (response.ok) token = (await response.json()).access_token;
    return response.ok;
  };
  // Browsers have locks by https and on this machine: elsewhere nothing here should run anyway.
  return navigator.locks?.request('refresh', exchange) ?? exchange();
}

/** Asks for name and password until somebody is in. */
export function logIn(form) {
  form.hidden = false;
  return new Promise((resolve) => {
    form.onsubmit = async (event) => {
      event.preventDefault();
      const { company, ...login } = Object.fromEntries(new FormData(form));
      const isNew = event.submitter?.name === 'new';
      const said = form.querySelector('[role=alert]');
      said.textContent = '';
      try {
        const answer = await ask(isNew ? '/auth/register' : '/auth/login', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ ...login, ...(isNew && { company }), cookie: true }),
        });
        token = answer.access_token;
        form.hidden = true;
        resolve();
      } catch (error) {
        said.textContent = error.message;
      }
    };
  });
}

export async function logOut() {
  await fetch('/auth/logout', { method: 'POST' });
  location.reload();
}
