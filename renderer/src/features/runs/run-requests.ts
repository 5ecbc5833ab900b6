/** What a live run can be asked for: what it is called, and what is said once the run has heard it. */
import type { RunRequest } from '../../../../electron/shared/runs/requests.ts';

export const runRequestTexts: Record<
  RunRequest,
  { title: string; help: string; heard: string; failed: string }
> = {
  save: {
    title: 'Save now',
    help: 'Saves a checkpoint after the current step; the run goes on',
    heard: 'A checkpoint is saved after the current step',
    failed: 'Could not save a checkpoint',
  },
  sample: {
    title: 'Answer the sample prompts now',
    help: 'After the current step; the training waits meanwhile',
    heard: 'The sample prompts are answered after the current step',
    failed: 'Could not ask for samples',
  },
  evaluate: {
    title: 'Evaluate now',
    help: 'All evaluation sets, after the current step; the training waits meanwhile',
    heard: 'All sets are evaluated after the current step',
    failed: 'Could not ask for an evaluation',
  },
  pause: {
    title: 'Pause',
    help: 'Holds the training after the current step; its memory is kept',
    heard: 'It pauses after the current step; its memory is kept',
    failed: 'Could not pause the run',
  },
  continue: {
    title: 'Continue',
    help: 'Lets the training go on',
    heard: 'It trains on',
    failed: 'Could not let the run go on',
  },
  end_epoch: {
    title: 'Stop at the end of the epoch',
    help: 'Saves a checkpoint there and ends; it can be resumed',
    heard: 'It stops at the end of this epoch',
    failed: 'Could not ask for the end',
  },
};
