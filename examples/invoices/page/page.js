import { ask, currentToken, logIn, logOut, refresh, send } from '/account.js';

const FIELDS = ['number', 'date', 'supplier', 'currency', 'net', 'tax', 'total'];
const SURE = 0.8;
const at = (id) => document.getElementById(id);
let next = null;
let shown = null;

/** Sends documents one after the other, to be read; each has a bar. */
async function upload(files) {
  for (const file of [...files]) {
    const row = document.createElement('li');
    row.className = 'upload';
    const bar = document.createElement('progress');
    bar.setAttribute('aria-label', `Upload of ${file.name}`);
    row.append(file.name, bar);
    at('uploads').append(row);
    try {
      const invoice = await sendForm(file, bar);
      row.remove();
      const item = itemOf(invoice);
      at('invoices').prepend(item);
      item.click();
    } catch (error) {
      const said = document.createElement('span');
      said.setAttribute('role', 'alert');
      said.textContent = error.message;
      bar.replaceWith(said);
    }
  }
}

/** fetch does not tell how much of a body has left; this does. */
async function sendForm(file, bar) {
  const form = new FormData();
  form.append('file', file);
  const token = await currentToken();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', '/invoice/upload_file_auto');
    request.setRequestHeader('authorization', `Bearer ${token}`);
    request.responseType = 'json';
    request.upload.onprogress = ({ loaded, total }) => {
      bar.max = total;
      bar.value = loaded;
      // All of it has left: now it is judged, stored and read, which takes as long as it takes.
      if (loaded === total) bar.removeAttribute('value');
    };
    request.onload = () =>
      request.status < 300
        ? resolve(request.response)
        : reject(new Error(request.response?.detail ?? 'It failed.'));
    request.onerror = () => reject(new Error('The connection broke. Try again.'));
    request.send(form);
  });
}

function itemOf(invoice) {
  const item = document.createElement('button');
  item.type = 'button';
  item.className = 'invoice';
  item.ariaPressed = 'false';
  const show = (current) => {
    const { supplier, filename, total, currency, number, date } = current;
    const amount = document.createElement('strong');
    amount.textContent = total === null ? '?' : `${total} ${currency ?? ''}`;
    const small = document.createElement('small');
    small.textContent = [number, date].filter(Boolean).join(' · ') || filename;
    item.replaceChildren(supplier ?? filename, amount, small);
    item.onclick = () => showDetails(current, item, show);
  };
  show(invoice);
  return item;
}

/** The document beside its fields: who checks them looks from one to the other. */
async function showDetails(invoice, item, changed) {
  for (const other of at('invoices').children) other.ariaPressed = String(other === item);
  const form = document.createElement('form');
  form.className = 'fields';
  const said = document.createElement('span');
  said.setAttribute('role', 'alert');
  said.textContent = invoice.message ?? '';
  const save = document.createElement('button');
  save.className = 'first';
  save.textContent = 'Confirm';
  form.append(...FIELDS.map((name) => fieldOf(name, invoice)), save);
  form.onsubmit = async (event) => {
    event.preventDefault();
    const typed = [...new FormData(form)].filter(([, value]) => value !== '');
    try {
      const current = await ask(`/invoice/${invoice.invoice_id}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(Object.fromEntries(typed)),
      });
      changed(current);
      await showDetails(current, item, changed);
    } catch (error) {
      said.textContent = error.message;
    }
  };
  at('details').replaceChildren(said, form);
  at('details').hidden = false;
  at('details').append(await documentOf(invoice));
}

function fieldOf(name, invoice) {
  const label = document.createElement('label');
  const input = document.createElement('input');
  input.name = name;
  input.value = invoice[name] ?? '';
  const confidence = invoice.confidence[name] ?? (invoice.source === 'hand' ? 1 : 0);
  label.className = invoice[name] === null ? 'missing' : confidence >= SURE ? 'sure' : 'doubtful';
  label.title = invoice[name] === null ? 'not found' : `${Math.round(confidence * 100)} % sure`;
  label.append(name, input);
  return label;
}

/** On a cloud the answer is a URL, on local disk the document itself. */
async function documentOf({ invoice_id, filename }) {
  const response = await send(`/invoice/download?invoice_id=${invoice_id}`);
  const isLink = response.headers.get('content-type')?.startsWith('application/json');
  if (isLink || !response.ok) {
    const link = document.createElement('a');
    link.className = 'button';
    link.textContent = `Open ${filename}`;
    link.target = '_blank';
    link.rel = 'noopener';
    if (response.ok) link.href = (await response.json()).download_url;
    return link;
  }
  const content = await response.blob();
  const isPicture = content.type.startsWith('image/');
  const view = document.createElement(isPicture ? 'img' : 'iframe');
  if (isPicture) view.className = 'picture';
  if (shown !== null) URL.revokeObjectURL(shown);
  shown = URL.createObjectURL(content);
  view.src = shown;
  view.title = filename;
  return view;
}

async function showMore() {
  const page = await ask(next === null ? '/invoices' : `/invoices?after=${next}`);
  at('invoices').append(...page.invoices.map(itemOf));
  next = page.next;
  at('more').hidden = next === null;
}

at('files').onchange = ({ target }) => void upload(target.files).then(() => (target.value = ''));
at('drop').ondragover = (event) => {
  event.preventDefault();
  at('drop').classList.add('over');
};
at('drop').ondragleave = () => at('drop').classList.remove('over');
at('drop').ondrop = (event) => {
  event.preventDefault();
  at('drop').classList.remove('over');
  void upload(event.dataTransfer.files);
};
at('more').onclick = showMore;
at('logout').onclick = logOut;

if (!(await refresh())) await logIn(at('account'));
at('logout').hidden = false;
document.querySelector('main').hidden = false;
await showMore();
