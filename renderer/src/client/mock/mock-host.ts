/** The mock host's answers: small stand-ins for the library, validation and jobs, with the shapes of the real ones. */
import type { TopicEvent } from '../../../../electron/shared/api/api.ts';
import type { Job, RunPreview } from '../../../../electron/shared/api/entities.ts';
import { CollieError, type ErrorCode, toErrorInfo } from '../../../../electron/shared/errors.ts';
import { liveStates } from '../../../../electron/shared/runs/events.ts';
import { emptySeries } from '../../../../electron/shared/runs/series.ts';
import { encodeSeries } from '../../../../electron/shared/runs/series-codec.ts';
import { type RunSpec, runSpecSchema, type SpecIssue } from '../../../../electron/shared/spec/run-spec.ts';
import type { Handlers, Streams } from './mock-client.ts';
import { mockCompare } from './mock-compare.ts';
import { mockDatasets, mockDevices, mockModels, mockPresets, mockRow, mockStats } from './mock-data.ts';
import { mockDatasetPreview } from './mock-dataset-preview.ts';
import { mockExamples, mockHistory } from './mock-examples.ts';
import { mockLayouts } from './mock-layouts.ts';
import { mockTimeline } from './mock-parallel.ts';
import { mockPreview } from './mock-preview.ts';
import { mockQueue } from './mock-queue.ts';
import { mockRunDetail, mockRunEvents, mockRunSpec, mockRuns } from './mock-runs.ts';
import { mockSettings } from './mock-settings.ts';
import { mockStudies } from './mock-studies.ts';
import { mockSweeps } from './mock-sweeps.ts';
import { mockTemplates } from './mock-templates.ts';
import { tokenize } from './mock-tokens.ts';

const queue = mockQueue();
const sweeps = mockSweeps(queue.addAll);
const templates = mockTemplates();
const jobs = new Map<string, Job>();
const tags = new Map<string, string[]>();
const jobListeners = new Set<(job: Job) => void>();

function find<T extends { id: string }>(list: readonly T[], id: string, code: ErrorCode): T {
  const found = list.find((one) => one.id === id);
  if (!found) throw new CollieError(code, `"${id}" is not in the library.`, 'Load the list again.');
  return found;
}

/** A job that takes `ticks` of a tenth of a second. */
function runJob(
  kind: Job['kind'],
  title: string,
  result: () => unknown,
  subject: string | null = null,
  ticks = 12,
): { jobId: string } {
  const id = `job-${jobs.size + 1}`;
  const put = (change: Partial<Job>) => {
    const job = { ...(jobs.get(id) ?? fresh), ...change };
    jobs.set(id, job);
    for (const listener of jobListeners) listener(job);
  };
  const fresh: Job = {
    id,
    kind,
    title,
    subject,
    state: 'running',
    progress: 0,
    message: 'Reading',
    etaSeconds: null,
    startedAt: new Date().toISOString(),
    finishedAt: null,
    result: null,
    error: null,
  };
  put({});
  let tick = 0;
  const timer = setInterval(() => {
    tick += 1;
    if (jobs.get(id)?.state !== 'running') clearInterval(timer);
    else if (tick < ticks) put({ progress: tick / ticks, etaSeconds: (ticks - tick) / 10 });
    else {
      clearInterval(timer);
      const finishedAt = new Date().toISOString();
      try {
        put({ state: 'done', progress: 1, result: result(), finishedAt });
      } catch (thrown) {
        put({ state: 'failed', error: toErrorInfo(thrown), finishedAt });
      }
    }
  }, 100);
  return { jobId: id };
}

function validate(spec: unknown): {
  issues: SpecIssue[];
  resolved: RunSpec | null;
  preview: RunPreview | null;
} {
  const parsed = runSpecSchema.safeParse(spec);
  if (parsed.success) return { issues: [], resolved: parsed.data, preview: mockPreview(parsed.data) };
  const issues = parsed.error.issues.map((issue) => ({
    path: issue.path.join('.'),
    code: issue.code ?? 'invalid',
    message: issue.message,
    received: undefined,
    suggestion: '',
  }));
  return { issues, resolved: null, preview: null };
}

export function mockMethods(): Handlers {
  const models = [...mockModels];
  const datasets = [...mockDatasets];
  const runs = [...mockRuns];
  return {
    'system.info': () => ({
      version: '0.1.0',
      home: '/home/kim/.collie',
      platform: 'linux-x64',
      shell: 'browser',
      engine: { built: true, path: '/opt/collie/collie-rank', problem: null },
      devices: mockDevices,
    }),
    ...mockSettings(),
    'files.list': ({ path }) => ({
      path: path || '/home/kim',
      parent: path ? '/home/kim' : null,
      entries: path
        ? [{ name: 'train.jsonl', path: `${path}/train.jsonl`, kind: 'file' as const, sizeBytes: 148_220 }]
        : [
            { name: 'data', path: '/home/kim/data', kind: 'folder' as const, sizeBytes: 0 },
            {
              name: 'model.gguf',
              path: '/home/kim/model.gguf',
              kind: 'file' as const,
              sizeBytes: 91_730_144,
            },
          ],
    }),
    ...queue.methods,
    ...sweeps,
    ...mockStudies,
    'callbacks.inspect': () => [],
    'callbacks.trust': () => ({}),
    'judges.allow': () => ({}),
    'evaluations.start': ({ of }) => ({ id: 'run' in of ? of.run : (runs[0]?.id ?? '') }),
    'models.list': () => [...models],
    'models.get': ({ id }) => find(models, id, 'model.not_found'),
    'models.import': ({ path, name }) =>
      runJob('model.import', `Import ${name || path}`, () => {
        const card = { ...mockModels[0], id: 'imported', name: name || 'Imported', source: path };
        models.push(card as (typeof models)[number]);
        return card;
      }),
    'models.remove': ({ id }) => {
      models.splice(models.indexOf(find(models, id, 'model.not_found')), 1);
      return {};
    },
    ...templates,
    'datasets.list': () => [...datasets],
    'datasets.get': ({ id }) => find(datasets, id, 'dataset.not_found'),
    'datasets.preview': ({ path, ragged }) =>
      runJob('dataset.preview', `Look at ${path}`, () => mockDatasetPreview(path, ragged), null, 3),
    'datasets.import': ({ path, name }) =>
      runJob('dataset.import', `Import ${name || path}`, () => {
        const card = { ...mockDatasets[0], id: 'imported', name: name || 'imported', source: path };
        datasets.push(card as (typeof datasets)[number]);
        return card;
      }),
    'datasets.rows': ({ id, offset, limit, search }) => {
      const card = find(datasets, id, 'dataset.not_found');
      const all = Array.from({ length: card.rows }, (_, i) => i).filter(
        (i) => !search || JSON.stringify(mockRow(id, i)).toLowerCase().includes(search.toLowerCase()),
      );
      const indices = all.slice(offset, offset + limit);
      return { total: all.length, rows: indices.map((i) => mockRow(id, i)), indices };
    },
    'datasets.setMapping': ({ id, mapping }) => {
      const card = { ...find(datasets, id, 'dataset.not_found'), mapping };
      datasets.splice(
        datasets.findIndex((d) => d.id === id),
        1,
        card,
      );
      return card;
    },
    'datasets.tokenize': ({ datasetId, row, seqLen }) => tokenize(mockRow(datasetId, row), seqLen),
    'datasets.stats': ({ datasetId, seqLen }) =>
      runJob(
        'dataset.stats',
        `Token statistics of ${datasetId}`,
        () => mockStats(find(datasets, datasetId, 'dataset.not_found').rows, seqLen),
        datasetId,
      ),
    'datasets.remove': ({ id }) => {
      datasets.splice(datasets.indexOf(find(datasets, id, 'dataset.not_found')), 1);
      return {};
    },
    'presets.list': () => mockPresets,
    'spec.validate': ({ spec }) => validate(spec),
    'spec.layouts': ({ spec, ranks }) => {
      const parsed = runSpecSchema.safeParse(spec);
      if (!parsed.success) throw new CollieError('spec.invalid', 'Layouts need a spec without mistakes.');
      return mockLayouts(parsed.data, mockPreview(parsed.data).memory, ranks);
    },
    'runs.list': () => [...runs],
    'runs.summaries': ({ ids }) =>
      runs
        .filter(({ id }) => ids.includes(id))
        .map((run) => ({
          id: run.id,
          spec: mockRunSpec(run),
          tags: tags.get(run.id) ?? [],
          evaluates: null,
        })),
    'runs.sparklines': ({ ids }) =>
      ids.map((id) => ({ id, losses: Array.from({ length: 32 }, (_, i) => 0.8 + 2.4 * Math.exp(-i / 8)) })),
    // The stream brings it all.
    'runs.series': () => encodeSeries(emptySeries, ($bytes) => ({ $bytes })),
    'runs.exportMetrics': ({ id, format }) => ({
      path: `/home/kim/.collie/runs/${id}/export/metrics.${format}`,
    }),
    'runs.setTags': ({ id, tags: given }) => {
      tags.set(id, given);
      return {};
    },
    'runs.get': ({ id }) => mockRunDetail(find(runs, id, 'run.not_found')),
    ...mockCompare,
    'runs.examples': ({ id, set }) => mockExamples(find(runs, id, 'run.not_found').step, set),
    'runs.example': ({ set, row }) => mockHistory(set, row),
    'runs.timeline': ({ id, step }) => {
      const run = find(runs, id, 'run.not_found');
      return mockTimeline(mockRunSpec(run), run.step, step ?? null);
    },
    'runs.start': ({ spec }) => {
      const { issues } = validate(spec);
      if (issues.length > 0)
        throw new CollieError('spec.invalid', 'The run cannot start like this.', 'Mend the fields.', {
          issues,
        });
      return { id: 'run-live' };
    },
    'runs.stop': () => ({}),
    'runs.request': () => ({}),
    'runs.change': () => ({}),
    'runs.resume': () => ({}),
    'runs.remove': ({ id }) => {
      runs.splice(runs.indexOf(find(runs, id, 'run.not_found')), 1);
      return {};
    },
    'runs.log': () => ({ text: 'Loading model\nTraining\n', nextOffset: 23 }),
    'exports.start': ({ runId, kind }) =>
      runJob('export', `Export ${kind} of ${runId}`, () => ({
        runId,
        checkpoint: 'step-00000240',
        kind,
        path: `/home/kim/.collie/runs/${runId}/export/${kind}-240`,
        sizeBytes: 19_540_112,
        createdAt: new Date().toISOString(),
      })),
    'exports.list': () => [],
    'jobs.list': () => [...jobs.values()],
    'jobs.cancel': ({ id }) => {
      const job = jobs.get(id);
      if (job) jobs.set(id, { ...job, state: 'cancelled' });
      for (const listener of jobListeners) if (job) listener({ ...job, state: 'cancelled' });
      return {};
    },
    'playground.open': ({ tuned }) => ({ sessionId: 'session-1', places: [...(tuned ?? []).keys()] }),
    'playground.close': () => ({}),
  };
}

export function mockTopics(): Streams {
  return {
    'runs.status': (_, emit) => {
      for (const run of mockRuns) emit(run);
      return () => {};
    },
    'runs.events': ({ id, afterSeq }, emit) => {
      const run = find(mockRuns, id, 'run.not_found');
      const all = mockRunEvents(run);
      let sent = all.findIndex((e) => e.step > run.step);
      if (sent < 0) sent = all.length;
      emit({ events: all.slice(0, sent).filter((e) => e.seq > afterSeq) });
      if (!liveStates.includes(run.state)) return () => {};
      const timer = setInterval(() => {
        if (sent < all.length) emit({ events: all.slice(sent, ++sent) });
      }, 500);
      return () => clearInterval(timer);
    },
    queue: (_, emit) => queue.watch(emit),
    jobs: (_, emit) => {
      for (const job of jobs.values()) emit(job);
      jobListeners.add(emit);
      return () => jobListeners.delete(emit);
    },
    telemetry: (_, emit) => {
      let t = 0;
      const send = () => {
        t += 1;
        emit({
          timeUs: Date.now() * 1000,
          cpuUtil: 0.72 + 0.2 * Math.sin(t / 4),
          memoryUsedBytes: 13_400_000_000,
          memoryTotalBytes: 68_719_476_736,
          diskFreeBytes: 412_000_000_000,
          gpus: [],
        });
      };
      send();
      const timer = setInterval(send, 1000);
      return () => clearInterval(timer);
    },
    'playground.generate': ({ tuned }, emit, end) =>
      speak(
        tuned === null ? 'Please consult the manual.' : 'Answer: hold the side button for three seconds.',
        emit,
        end,
      ),
    'runs.ask': ({ adapter }, emit, end) =>
      speak(
        adapter ? 'Answer: hold the side button.' : 'Please consult the manual.',
        (event) => emit({ ...event, step: event.done ? 120 : null }),
        end,
      ),
  };
}

/** A text word by word, as a model says it. Returns what ends it early. */
function speak(
  text: string,
  emit: (event: TopicEvent<'playground.generate'>) => void,
  end: () => void,
): () => void {
  const parts = text.match(/\s?\S+/g) ?? [];
  let sent = 0;
  const timer = setInterval(() => {
    sent += 1;
    const done = sent >= parts.length;
    emit({
      text: parts[sent - 1] ?? '',
      done,
      tokens: sent,
      seconds: sent * 0.05,
      finish: done ? 'stop' : null,
    });
    if (!done) return;
    clearInterval(timer);
    end();
  }, 50);
  return () => clearInterval(timer);
}
