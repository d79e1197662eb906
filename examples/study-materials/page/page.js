import { ask, sendForm, signIn, sizeText, uploadRow } from '/shared/send.js';

const API = '/api/v1/user-content';
const at = (id) => document.getElementById(id);
let next = null;

/** Sends files one after the other, each with a bar of its own. */
async function send(files) {
  const waiting = [...files].map((file) => ({ file, row: uploadRow(at('uploads'), file.name) }));
  for (const { file, row } of waiting) {
    if (row.signal.aborted) {
      row.done();
      continue;
    }
    const form = new FormData();
    form.append('file', file);
    try {
      at('materials').prepend(itemOf(await sendForm(`${API}/upload`, form, row)));
      row.done();
    } catch (error) {
      row.failed(error.message);
    }
  }
}

async function show() {
  const page = await ask(next === null ? API : `${API}?after=${next}`);
  at('materials').append(...page.items.map(itemOf));
  next = page.next;
  at('more').hidden = next === null;
}

function itemOf(material) {
  const item = document.createElement('li');
  item.className = 'file';
  const title = document.createElement('span');
  title.textContent = material.title;
  const size = document.createElement('small');
  size.textContent = sizeText(material.size_bytes);
  const link = document.createElement('a');
  link.className = 'button';
  link.href = material.download_url;
  link.textContent = 'Download';
  const button = document.createElement('button');
  button.textContent = 'Delete';
  button.onclick = async () => {
    button.disabled = true;
    try {
      await ask(`${API}/${material.file_id}`, { method: 'DELETE' });
      item.remove();
    } catch (error) {
      button.disabled = false;
      size.setAttribute('role', 'alert');
      size.textContent = error.message;
    }
  };
  item.append(title, size, link, button);
  return item;
}

at('files').onchange = ({ target }) => {
  void send(target.files);
  target.value = '';
};
at('drop').ondragover = (event) => {
  event.preventDefault();
  at('drop').classList.add('over');
};
at('drop').ondragleave = () => at('drop').classList.remove('over');
at('drop').ondrop = (event) => {
  event.preventDefault();
  at('drop').classList.remove('over');
  void send(event.dataTransfer.files);
};
at('more').onclick = show;

// A session of before is still good, or somebody has to say who they are.
await show().catch(async () => {
  await signIn(at('sign-in'));
  await show();
});
document.querySelector('main').hidden = false;
