import { useCallback, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

interface Image {
  readonly id: string;
  readonly title: string;
  readonly is_public: boolean;
  readonly is_mine: boolean;
  readonly sizes: 'waiting' | 'ready' | 'none';
}

const LOOK_MS = 1000;

function Page() {
  const [images, setImages] = useState<readonly Image[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  const load = useCallback(async () => {
    const response = await fetch('/images');
    if (response.ok) setImages((await response.json()).images);
  }, []);
  useEffect(() => {
    const login = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name":"ana"}' };
    void fetch('/session', login).then(load);
  }, [load]);
  // Sizes are made after the upload: a moment later they are there.
  const isWaiting = images.some(({ sizes }) => sizes === 'waiting');
  useEffect(() => {
    if (!isWaiting) return;
    const timer = setInterval(() => void load(), LOOK_MS);
    return () => clearInterval(timer);
  }, [isWaiting, load]);

  const upload = async (form: FormData) => {
    const visibility = form.get('public') === null ? 'private' : 'public';
    form.delete('public');
    const response = await fetch(`/images?visibility=${visibility}`, { method: 'POST', body: form });
    setProblem(response.ok ? null : (await response.json()).detail);
    await load();
  };
  const remove = async (id: string) => {
    await fetch(`/images/${id}`, { method: 'DELETE' });
    await load();
  };
  return (
    <main>
      <h1>Gallery</h1>
      <form action={upload}>
        <input type="file" name="files" accept="image/*" multiple required />{' '}
        <label>
          <input type="checkbox" name="public" /> for everybody
        </label>{' '}
        <button type="submit">Upload</button>
      </form>
      {problem !== null && <p role="alert">{problem}</p>}
      <div className="grid">
        {images.map((each) => (
          <Figure key={each.id} image={each} remove={() => remove(each.id)} />
        ))}
      </div>
    </main>
  );
}

function Figure({ image, remove }: { image: Image; remove(): void }) {
  const at = (size: string) => `/images/${image.id}/${size}`;
  return (
    <figure data-image={image.title}>
      {image.sizes === 'ready' ? (
        <a href={at('large')}>
          <img
            src={at('thumb')}
            srcSet={`${at('thumb')} 320w, ${at('medium')} 960w`}
            sizes="12rem"
            loading="lazy"
            alt={image.title}
          />
        </a>
      ) : (
        <span className="preview">{image.sizes === 'waiting' ? '…' : '✕'}</span>
      )}
      <figcaption>
        {image.title} {image.is_public ? '🌍' : '🔒'}{' '}
        {image.is_mine && (
          <button type="button" onClick={remove}>
            Delete
          </button>
        )}
      </figcaption>
    </figure>
  );
}

createRoot(document.getElementById('root') as HTMLElement).render(<Page />);
