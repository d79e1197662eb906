import { ask, sendForm, signIn, uploadRow } from '/shared/send.js';

const at = (id) => document.getElementById(id);
const LOOK_AGAIN_MS = 700;
const JSON_HEADERS = { 'content-type': 'application/json' };

/** Uploads the images together, then makes a brand of their keys. */
async function create(form) {
  const name = form.elements.name.value;
  const images = new FormData();
  images.append('asset_type', 'brand_image');
  for (const file of form.elements.files.files) images.append('files', file);
  const row = uploadRow(at('uploads'), name);
  try {
    const { uploads } = await sendForm('/api/upload', images, row);
    const body = JSON.stringify({ name, product_images: uploads.map(({ key }) => key) });
    const brand = await ask('/api/brands', { method: 'POST', headers: JSON_HEADERS, body });
    row.done();
    form.reset();
    showBrand(brand, 'first');
  } catch (error) {
    row.failed(error.message);
  }
}

/** Shows a brand, in the place of what was shown of it; thumbnails that are still being made are looked for again. */
function showBrand(brand, place) {
  const section = document.createElement('section');
  section.id = `brand-${brand.id}`;
  section.setAttribute('aria-label', brand.name);
  const title = document.createElement('h2');
  title.textContent = brand.name;
  const said = document.createElement('span');
  said.setAttribute('role', 'alert');
  const grid = document.createElement('div');
  grid.className = 'grid';
  grid.append(...brand.product_images.map((image) => tileOf(brand, image, said)));
  section.append(title, said, grid);
  const shown = at(section.id);
  if (shown !== null) shown.replaceWith(section);
  else if (place === 'first') at('brands').prepend(section);
  else at('brands').append(section);
  if (brand.product_images.some((image) => image.is_waiting)) {
    setTimeout(() => section.isConnected && refresh(brand.id), LOOK_AGAIN_MS);
  }
}

const refresh = async (id) => showBrand(await ask(`/api/brands/${id}`));

function tileOf(brand, image, said) {
  const tile = document.createElement('div');
  tile.className = image.thumbnail_url === null ? 'tile waiting' : 'tile';
  if (image.thumbnail_url === null) {
    tile.textContent = image.is_waiting ? '…' : image.filename;
  } else {
    const link = document.createElement('a');
    link.href = image.url;
    const picture = document.createElement('img');
    picture.src = image.thumbnail_url;
    picture.alt = image.filename;
    link.append(picture);
    tile.append(link);
  }
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = '×';
  button.setAttribute('aria-label', `Delete ${image.filename}`);
  button.onclick = async () => {
    try {
      await ask(`/api/brands/${brand.id}/images/${image.asset_id}`, { method: 'DELETE' });
      await refresh(brand.id);
    } catch (error) {
      said.textContent = error.message;
    }
  };
  tile.append(button);
  return tile;
}

async function show() {
  const { items } = await ask('/api/brands');
  for (const brand of items) showBrand(brand);
}

at('new').onsubmit = (event) => {
  event.preventDefault();
  void create(event.target);
};

// A session of before is still good, or somebody has to say who they are.
await show().catch(async () => {
  await signIn(at('sign-in'));
  await show();
});
document.querySelector('main').hidden = false;
