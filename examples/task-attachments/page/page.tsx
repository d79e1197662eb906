import { useCallback, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import type { Task } from '../tasks.ts';
import { api, type ListedAttachment } from './api.ts';
import { type Sending, useUploads } from './use-uploads.ts';

function Page() {
  const [tasks, setTasks] = useState<readonly Task[]>([]);
  const [task, setTask] = useState<Task | null>(null);
  useEffect(() => void api.tasks().then(setTasks), []);
  const add = async (form: FormData) => {
    const added = await api.addTask(String(form.get('title')));
    setTasks((all) => [added, ...all]);
    setTask(added);
  };
  return (
    <main>
      <h1>Tasks</h1>
      <form action={add}>
        <input name="title" placeholder="What is to be done" required /> <button type="submit">Add</button>
      </form>
      <ul>
        {tasks.map((each) => (
          <li key={each.id}>
            <button type="button" onClick={() => setTask(each)}>
              {each.title}
            </button>
          </li>
        ))}
      </ul>
      {task && <Attachments key={task.id} task={task} />}
    </main>
  );
}

function Attachments({ task }: { task: Task }) {
  const [attachments, setAttachments] = useState<readonly ListedAttachment[]>([]);
  const load = useCallback(() => void api.attachments(task.id).then(setAttachments), [task.id]);
  useEffect(load, [load]);
  const { uploads, add, resume, cancel } = useUploads(task.id, load);
  const open = async (id: string) => location.assign(await api.downloadUrl(task.id, id));
  const remove = async (id: string) => {
    await api.remove(task.id, id);
    load();
  };
  return (
    <section>
      <h2>{task.title}</h2>
      <label>
        Attach files{' '}
        <input
          type="file"
          multiple
          onChange={({ target }) => {
            add(target.files ?? []);
            target.value = '';
          }}
        />
      </label>
      <ul>
        {uploads.map((each) => (
          <UploadRow key={each.id} upload={each} resume={() => resume(each)} cancel={() => cancel(each)} />
        ))}
        {attachments.map(
          ({ id, filename, media_type: mediaType, size_bytes: bytes, preview_url: preview }) => (
            <li key={id} className="row" data-attachment={filename}>
              {preview === null ? (
                <Icon mediaType={mediaType} />
              ) : (
                <img className="preview" src={preview} alt="" />
              )}
              <span>
                {filename} <small>{Math.ceil(bytes / 1024)} KiB</small>
              </span>
              <button type="button" onClick={() => open(id)}>
                Download
              </button>
              <button type="button" onClick={() => remove(id)}>
                Delete
              </button>
            </li>
          ),
        )}
      </ul>
    </section>
  );
}

function UploadRow({ upload, resume, cancel }: { upload: Sending; resume(): void; cancel(): void }) {
  const { file, sentBytes, status, problem } = upload;
  return (
    <li className="row" data-upload={file.name} data-status={status}>
      <Icon mediaType={file.type} />
      <span>
        {file.name} {problem !== null && <small role="alert">{problem}</small>}
      </span>
      {status !== 'refused' && <progress value={sentBytes} max={file.size} />}
      {status === 'paused' && (
        <button type="button" onClick={resume}>
          Resume
        </button>
      )}
      <button type="button" onClick={cancel}>
        {status === 'refused' ? 'Dismiss' : 'Cancel'}
      </button>
    </li>
  );
}

/** Three letters that tell the kind of a file. */
function Icon({ mediaType }: { mediaType: string }) {
  const kind = mediaType.split('/')[1]?.split('.').at(-1) ?? 'file';
  return <span className="preview">{kind.slice(0, 5)}</span>;
}

createRoot(document.getElementById('root') as HTMLElement).render(<Page />);
