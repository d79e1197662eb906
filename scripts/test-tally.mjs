// A reporter for node's test runner: one line of JSON with what passed and failed, and the files that hold failures.
export default async function* tally(events) {
  const failedFiles = new Set();
  let counts = { passed: 0, failed: 0, cancelled: 0, skipped: 0 };
  for await (const { type, data } of events) {
    if (type === 'test:fail' && data.file !== undefined) failedFiles.add(data.file);
    // The last summary, which names no file, is that of the whole run.
    if (type === 'test:summary' && data.file === undefined) counts = data.counts;
  }
  const { passed, failed, cancelled, skipped } = counts;
  yield `${JSON.stringify({ passed, failed: failed + cancelled, skipped, failedFiles: [...failedFiles] })}\n`;
}
