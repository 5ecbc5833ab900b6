/** The run form: a draft of a RunSpec that survives reloads, checked by the host after each change. */
import type { MethodResult } from '../../../electron/shared/api/api.ts';
import type { Preset, RunPreview } from '../../../electron/shared/api/entities.ts';
import { CollieError, type ErrorInfo } from '../../../electron/shared/errors.ts';
import { migrateSpec } from '../../../electron/shared/spec/migrate.ts';
import type { SpecIssue } from '../../../electron/shared/spec/run-spec.ts';
import { specValue } from '../../../electron/shared/spec/spec-fields.ts';
import { type Draft, defaultDraft, mergeSpec, withValue, withVariant } from './draft.ts';
import { asErrorInfo } from './notices.ts';
import type { Loaded, SliceContext } from './types.ts';

type Validated = MethodResult<'spec.validate'>;

export interface ComposeSlice {
  draft: Draft;
  /** Paths the user has changed: an empty required field there counts as an error, elsewhere as still to do. */
  touched: Readonly<Record<string, true>>;
  issues: readonly SpecIssue[];
  resolved: Validated['resolved'];
  preview: Validated['preview'];
  /** `checking`: issues and preview belong to an older draft. */
  validation: 'checking' | 'current' | 'failed';
  validationError: ErrorInfo | null;
  presets: Loaded<Preset>;
  presetsError: ErrorInfo | null;
  /** What each preset takes with the draft's model and data, by its id. */
  presetFits: Readonly<Record<string, PresetFit | null>>;
  starting: boolean;
  setField(path: string, value: unknown): void;
  setVariant(path: string, variant: string): void;
  /** Sets the training data and takes over the mapping of the dataset's card. */
  chooseDataset(id: string): void;
  applyPreset(preset: Preset): void;
  replaceDraft(draft: Draft): void;
  resetDraft(): void;
  loadPresets(): Promise<void>;
  /** Asks what each preset would take; without a model and data there is nothing to ask. */
  fitPresets(): Promise<void>;
  /** Takes the only model that can be trained, where none is chosen yet. */
  chooseOnlyModel(): void;
  /** Checks the draft now instead of a moment after the last change. */
  validateDraft(): Promise<void>;
  /** Starts the run. The new id, or null with the issues (or a notice) in place. */
  startDraft(): Promise<string | null>;
  /** Puts the run in line instead. */
  queueDraft(): Promise<string | null>;
}

const STORAGE_KEY = 'collie-draft';
const DEBOUNCE_MS = 300;
export const libraryRef = (id: string) => `library:${id}`;

function loadDraft(): Draft | null {
  try {
    const saved: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? 'null');
    return typeof saved === 'object' && saved !== null && !Array.isArray(saved)
      ? (migrateSpec(saved).spec as Draft)
      : null;
  } catch {
    return null; // unreadable or forbidden storage: start afresh
  }
}

function saveDraft(draft: Draft): void {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(draft));
  } catch {
    // Storage full or forbidden: the draft lives as long as the window.
  }
}

/** The draft with a preset over it. What belongs to this run or to the machine stays, whatever is trained on it. */
function withPreset(old: Draft, preset: Preset): Draft {
  const { name, model, dataset, device, threads, parallel, hosts, recovery, callbacks } = old;
  const kept = { name, model, dataset, device, threads, parallel, hosts, recovery, callbacks };
  const base = Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
  return mergeSpec(mergeSpec(defaultDraft(), base), preset.spec);
}

export type PresetFit = Pick<RunPreview['memory'], 'verdict' | 'totalBytes'> & { seconds: number | null };

const fitOf = ({ memory, time }: RunPreview): PresetFit => ({
  verdict: memory.verdict,
  totalBytes: memory.totalBytes,
  seconds: time.seconds,
});

export function composeSlice({ client, get, set }: SliceContext): ComposeSlice {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let latest = 0;
  let latestFits = 0;

  function change(draft: Draft, touched: readonly string[]): void {
    saveDraft(draft);
    set((s) => ({
      draft,
      touched: { ...s.touched, ...Object.fromEntries(touched.map((path) => [path, true as const])) },
      validation: 'checking',
    }));
    if (timer) clearTimeout(timer);
    timer = setTimeout(() => void get().validateDraft(), DEBOUNCE_MS);
  }

  /** Gives the draft to `to`; what is wrong with it is shown in the form. */
  async function submit(to: (draft: Draft) => Promise<string>, failure: string): Promise<string | null> {
    set({ starting: true });
    try {
      return await to(get().draft);
    } catch (thrown) {
      const issues = issuesOf(thrown);
      if (issues) set((s) => ({ issues, touched: { ...s.touched, ...missingPaths(issues, get().draft) } }));
      get().report(failure, thrown);
      return null;
    } finally {
      set({ starting: false });
    }
  }

  return {
    draft: loadDraft() ?? defaultDraft(),
    touched: {},
    issues: [],
    resolved: null,
    preview: null,
    validation: 'checking',
    validationError: null,
    presets: null,
    presetsError: null,
    presetFits: {},
    starting: false,
    setField: (path, value) => change(withValue(get().draft, path, value), [path]),
    setVariant: (path, variant) => change(withVariant(get().draft, path, variant), [path]),
    chooseDataset(id) {
      const card = get().datasets?.find((d) => d.id === id);
      let draft = withValue(get().draft, 'dataset.train', libraryRef(id));
      if (card?.mapping) draft = withValue(draft, 'dataset.mapping', { ...card.mapping });
      change(draft, ['dataset.train']);
    },
    applyPreset(preset) {
      change(withPreset(get().draft, preset), []);
      get().announce('success', `Preset "${preset.title}" applied`);
    },
    replaceDraft(draft) {
      const { spec, notes } = migrateSpec(draft);
      change(spec as Draft, []);
      if (notes.length > 0) get().announce('success', notes.join(' '));
    },
    resetDraft() {
      change(defaultDraft(), []);
      set({ touched: {} });
    },
    async loadPresets() {
      try {
        set({ presets: await client.call('presets.list', {}), presetsError: null });
      } catch (thrown) {
        set({ presetsError: asErrorInfo(thrown) });
      }
    },
    async fitPresets() {
      latestFits += 1;
      const mine = latestFits;
      const { draft, presets } = get();
      if (!presets || !specValue(draft, 'model') || !specValue(draft, 'dataset.train')) {
        set({ presetFits: {} });
        return;
      }
      const fits = await Promise.all(
        presets.map(async (preset) => {
          // A preset that cannot be looked at is one without a forecast; the form says what is wrong with the draft.
          const asked = client.call('spec.validate', { spec: withPreset(draft, preset) });
          const preview = await asked.then((result) => result.preview).catch(() => null);
          return [preset.id, preview && fitOf(preview)] as const;
        }),
      );
      if (mine === latestFits) set({ presetFits: Object.fromEntries(fits) });
    },
    chooseOnlyModel() {
      const { draft, models } = get();
      const usable = models?.filter(({ problem }) => problem === null) ?? [];
      const [only] = usable;
      if (usable.length === 1 && only && specValue(draft, 'model') === undefined)
        change(withValue(draft, 'model', libraryRef(only.id)), []);
    },
    async validateDraft() {
      if (timer) clearTimeout(timer);
      latest += 1;
      const mine = latest;
      try {
        const result = await client.call('spec.validate', { spec: get().draft });
        if (mine !== latest) return; // a newer draft is being checked
        set({ ...result, validation: 'current', validationError: null });
      } catch (thrown) {
        if (mine === latest) set({ validation: 'failed', validationError: asErrorInfo(thrown) });
      }
    },
    startDraft: () => submit((draft) => get().startRun(draft), 'The run did not start'),
    queueDraft: () => submit((draft) => get().queueRun(draft), 'The run was not queued'),
  };
}

function issuesOf(thrown: unknown): SpecIssue[] | null {
  if (!(thrown instanceof CollieError) || thrown.code !== 'spec.invalid') return null;
  return Array.isArray(thrown.data.issues) ? (thrown.data.issues as SpecIssue[]) : null;
}

function missingPaths(issues: readonly SpecIssue[], draft: Draft): Record<string, true> {
  const paths = issues.map((i) => i.path).filter((path) => specValue(draft, path) === undefined);
  return Object.fromEntries(paths.map((path) => [path, true as const]));
}
