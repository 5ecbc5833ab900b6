import { Alert, Group, Skeleton, Stack, Title } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react';
import { useEffect } from 'react';
import type { DatasetCard, TokenStats } from '../../../../electron/shared/api/entities.ts';
import { unusableSentences } from '../../../../electron/shared/api/unusable-rows.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { Facts } from '../../components/Facts.tsx';
import { formatCount, formatInteger, formatPercent, plural } from '../../components/format.ts';
import { JobProgress } from '../../components/JobProgress.tsx';
import tile from '../../components/tile.module.css';
import { useStore } from '../../store/context.tsx';
import { statsKey } from '../../store/datasets.ts';
import { LengthHistogram } from './LengthHistogram.tsx';
import { NotReady, TokenizeControls } from './TokenizeControls.tsx';
import { useTokenizeSettings } from './use-tokenize-query.ts';

/** How long the rows are in tokens of one model, and what goes wrong at the chosen length. */
export function TokensTab({ dataset }: { dataset: DatasetCard }) {
  const settings = useTokenizeSettings(dataset);
  const key = settings.query ? statsKey(settings.query) : '';
  const state = useStore((s) => s.tokenStats[key]);
  const compute = useStore((s) => s.computeStats);
  const job = useStore((s) => (state?.jobId ? s.jobs[state.jobId] : undefined));
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the query
  useEffect(() => {
    if (settings.query) void compute(settings.query);
  }, [key, compute]);

  if (!settings.query) return <NotReady dataset={dataset} settings={settings} />;
  return (
    <Stack gap="lg">
      <TokenizeControls settings={settings} />
      {state?.error && (
        <ErrorView
          title="The rows could not be tokenized"
          info={state.error}
          onRetry={() => settings.query && void compute(settings.query)}
        />
      )}
      {!state?.stats && !state?.error && (
        <Stack gap="sm" aria-busy>
          {job ? <JobProgress job={job} /> : <Skeleton h={44} />}
          <Skeleton h={300} />
        </Stack>
      )}
      {state?.stats && <Statistics stats={state.stats} seqLen={settings.seqLen} />}
    </Stack>
  );
}

function Statistics({ stats, seqLen }: { stats: TokenStats; seqLen: number }) {
  const share = stats.tokens > 0 ? stats.trainedTokens / stats.tokens : 0;
  return (
    <>
      <Findings stats={stats} seqLen={seqLen} />
      <section className={tile.panel} aria-label="Statistics">
        <Facts
          columns={6}
          facts={[
            ['Rows', formatInteger(stats.rows)],
            ['Tokens', formatCount(stats.tokens)],
            ['Trained tokens', `${formatCount(stats.trainedTokens)} (${formatPercent(share)})`],
            ['Shortest – longest', `${formatInteger(stats.min)} – ${formatInteger(stats.max)}`],
            ['Median', formatInteger(stats.p50)],
            ['95% are at most', formatInteger(stats.p95)],
          ]}
        />
      </section>
      <section className={tile.panel} aria-label="Token lengths">
        <Group justify="space-between" mb="sm">
          <Title order={2} size="h3">
            Tokens per row
          </Title>
        </Group>
        <LengthHistogram stats={stats} seqLen={seqLen} />
      </section>
    </>
  );
}

/** What the statistics warn of, in words with the numbers; or that all is well. */
function Findings({ stats, seqLen }: { stats: TokenStats; seqLen: number }) {
  const left = stats.unusable.reduce((sum, { rows }) => sum + rows, 0);
  const findings = [
    left > 0 && {
      title: `${plural(left, 'row')} that cannot be trained on`,
      text: `${unusableSentences(stats.unusable, stats.rows + left).join(' ')} A run refuses them or leaves them out, as its setting "Unusable rows" says.`,
    },
    stats.allMasked > 0 && {
      title: `${plural(stats.allMasked, 'row')} without one trained token`,
      text: 'Nothing can be learned from them: the answer is empty, or falls off at the sequence length.',
    },
    stats.endCutOff > 0 && {
      title: `${plural(stats.endCutOff, 'row')} lose their end-of-turn token`,
      text: `The model does not learn to stop from rows that are cut at ${formatInteger(seqLen)} tokens. Raise the sequence length, or let the run drop too long rows.`,
    },
    stats.tooLong > 0 && {
      title: `${plural(stats.tooLong, 'row')} longer than ${formatInteger(seqLen)} tokens`,
      text: `With ${formatInteger(stats.max)} tokens every row would be whole. 95% of the rows have at most ${formatInteger(stats.p95)}.`,
    },
  ].filter((finding) => finding !== false);
  if (findings.length === 0)
    return (
      <Alert color="green" icon={<IconCircleCheck aria-hidden />} title="Every row fits">
        No row is longer than {formatInteger(seqLen)} tokens, and each has trained tokens.
      </Alert>
    );
  return (
    <Stack gap="sm">
      {findings.map((finding) => (
        <Alert
          key={finding.title}
          color="yellow"
          icon={<IconAlertTriangle aria-hidden />}
          title={finding.title}
        >
          {finding.text}
        </Alert>
      ))}
    </Stack>
  );
}
