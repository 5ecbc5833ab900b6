/** What to do next: a new run like one of these, one setting changed, or one that goes on from it. */
import { exportRecordSchema } from '../../../../electron/shared/api/export-record.ts';
import { specFields, specValue } from '../../../../electron/shared/spec/spec-fields.ts';
import { href, navigate } from '../../app/route.ts';
import { useClient, useStore } from '../../store/context.tsx';
import { reusableDraft } from '../runs/run-view.ts';
import { type SuggestedChange, withChange } from '../runs/suggested-change.ts';
import { useLibrary } from '../runs/use-library.ts';

export interface CompareActions {
  /** Opens New run with the settings of a run, and one change. */
  clone(id: string, change?: SuggestedChange): Promise<void>;
  /** The settings of `to` with one of `from`. */
  apply(from: string, to: string, path: string, title: string): Promise<void>;
  /** A new run that starts from what this one has trained. */
  goOn(id: string): Promise<void>;
}

export function useActions(): CompareActions {
  const client = useClient();
  const replaceDraft = useStore((s) => s.replaceDraft);
  const announce = useStore((s) => s.announce);
  const report = useStore((s) => s.report);
  const awaitJob = useStore((s) => s.awaitJob);
  const library = useLibrary();

  async function clone(id: string, change?: SuggestedChange): Promise<void> {
    try {
      const { spec } = await client.call('runs.get', { id });
      const draft = reusableDraft(spec, library);
      replaceDraft(change ? withChange(draft, change) : draft);
      announce('info', change ? `Settings copied, with ${change.label}` : 'Settings copied into the form');
      navigate(href('compose'));
    } catch (thrown) {
      report('The settings of this run could not be read', thrown);
    }
  }

  /** The folder of the run's adapter; it is exported where it has not been yet. */
  async function adapterOf(id: string): Promise<string> {
    const known = (await client.call('exports.list', {})).find(
      (record) => record.runId === id && record.kind === 'adapter',
    );
    if (known) return known.path;
    announce('info', 'The adapter is being exported, to start from it');
    const { jobId } = await client.call('exports.start', { runId: id, kind: 'adapter' });
    return exportRecordSchema.parse(await awaitJob(jobId)).path;
  }

  return {
    clone,
    async apply(from, to, path, title) {
      try {
        const { spec } = await client.call('runs.get', { id: from });
        // With a variant come its settings.
        const variant = specFields().some((field) => field.path === path && field.kind === 'variant');
        const whole = variant ? path.slice(0, path.lastIndexOf('.')) : path;
        const change = {
          label: `${title} of the other run`,
          values: [[whole, specValue(spec, whole)]] as const,
        };
        await clone(to, change);
      } catch (thrown) {
        report('The settings of this run could not be read', thrown);
      }
    },
    async goOn(id) {
      try {
        const path = await adapterOf(id);
        await clone(id, { label: 'its adapter to start from', values: [['method.init_adapter', path]] });
      } catch (thrown) {
        report('The run cannot be continued', thrown);
      }
    },
  };
}
