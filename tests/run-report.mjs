/** What vitest's JSON reports come to: counts, the names of what failed, and what passed only at a second try. */
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** More failed files than these have one reason, and it is not chance. */
const MOST_TRIED_AGAIN = 2;

/** The counts of a run. `files`: vitest's `testResults`; `status`: its exit status. */
export function countsOf({ status, files }) {
  const tests = files.flatMap(({ assertionResults }) => assertionResults);
  const count = (state) => tests.filter((test) => test.status === state).length;
  const [passed, failed] = [count('passed'), count('failed')];
  const failures = files.flatMap(failuresOfFile);
  // A file that fails to load has no failed test, but the run has failed all the same.
  return {
    passed,
    failed: failed || (status === 0 ? 0 : 1),
    skipped: tests.length - passed - failed,
    failures: failures.map(({ name, error }) => (error ? `${name}\n    ${error}` : name)),
  };
}

/** The files, relative to the project, that are worth a second try. */
export function worthAnotherTry({ files }) {
  const failed = files.filter((file) => failuresOfFile(file).length > 0);
  return failed.length > MOST_TRIED_AGAIN ? [] : failed.map(({ name }) => relative(root, name));
}

/**
 * The counts after a second try of some files. What passes then is no reason to refuse a change, and is named as flaky: what a busy machine shows
 * by chance is most often a fault that users meet as well.
 */
export function countsOfBoth(first, second) {
  const again = new Set(second.files.map(({ name }) => name));
  const files = [...first.files.filter(({ name }) => !again.has(name)), ...second.files];
  const still = new Set(files.flatMap(failuresOfFile).map(({ name }) => name));
  const flaky = first.files
    .flatMap(failuresOfFile)
    .filter(({ name }) => !still.has(name))
    .map(({ name, error }) => `${name}\n    ${error}`);
  return { ...countsOf({ status: second.status, files }), flaky };
}

/** The failed tests of a file in vitest's report, each with the first line of its error. */
function failuresOfFile({ name, status, message, assertionResults }) {
  const failed = assertionResults.filter((result) => result.status === 'failed');
  const file = relative(root, name);
  const told = (test, error) => ({ name: `${file}: ${test}`, error: error?.split('\n')[0] });
  if (failed.length === 0 && status === 'failed') return [told('(the file as a whole)', message)];
  return failed.map(({ fullName, failureMessages }) => told(fullName, failureMessages[0]));
}
