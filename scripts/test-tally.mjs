// A reporter for node's test runner: one line of JSON with what passed and failed, the files that hold failures, and how many
// lines of each folder of src/ were run when that is counted.
export default async function* tally(events) {
  const failedFiles = new Set();
  const lines = {};
  let counts = { passed: 0, failed: 0, cancelled: 0, skipped: 0 };
  for await (const { type, data } of events) {
    // `file` is where a test is written, which may be a file of laws that others run; '' makes the run fail as it is.
    if (type === 'test:fail') failedFiles.add(data.entryFile ?? data.file ?? '');
    if (type === 'test:coverage') {
      for (const { path, totalLineCount, coveredLineCount } of data.summary.files) {
        const folder = /\/src\/(\w+)\//.exec(path)?.[1] ?? path;
        lines[folder] ??= { total: 0, covered: 0 };
        lines[folder].total += totalLineCount;
        lines[folder].covered += coveredLineCount;
      }
    }
    // The last summary, which names no file, is that of the whole run.
    if (type === 'test:summary' && data.file === undefined) counts = data.counts;
  }
  const { passed, failed, cancelled, skipped } = counts;
  yield `${JSON.stringify({ passed, failed: failed + cancelled, skipped, failedFiles: [...failedFiles], lines })}\n`;
}
