import { ActionIcon, Alert, Group, NumberInput, Skeleton, Stack } from '@mantine/core';
import { IconAlertTriangle, IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import type { DatasetCard, TokenizedRow } from '../../../../electron/shared/api/entities.ts';
import type { ErrorInfo } from '../../../../electron/shared/errors.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { Facts } from '../../components/Facts.tsx';
import { formatInteger, formatPercent } from '../../components/format.ts';
import { useStore } from '../../store/context.tsx';
import { statsKey, type TokenizeQuery } from '../../store/datasets.ts';
import { asErrorInfo } from '../../store/notices.ts';
import { NotReady, TokenizeControls } from './TokenizeControls.tsx';
import { TokenLegend, TokenView } from './TokenView.tsx';
import { useTokenizeSettings } from './use-tokenize-query.ts';

/** One row as the model will see it: which tokens it reads, and which it is trained on. */
export function RowTokensTab({ dataset }: { dataset: DatasetCard }) {
  const settings = useTokenizeSettings(dataset);
  const { row, change, query } = settings;
  const { tokens, error } = useTokens(query, row);
  if (!query) return <NotReady dataset={dataset} settings={settings} />;
  return (
    <Stack gap="md">
      <Group gap="xl" align="flex-end">
        <TokenizeControls settings={settings} />
        <Group gap="xs" align="flex-end">
          <ActionIcon
            size={36}
            variant="default"
            aria-label="Previous row"
            disabled={row === 0}
            onClick={() => change({ row: row - 1 })}
          >
            <IconChevronLeft size={18} aria-hidden />
          </ActionIcon>
          <NumberInput
            label="Row"
            value={row + 1}
            min={1}
            max={dataset.rows}
            allowDecimal={false}
            suffix={` of ${formatInteger(dataset.rows)}`}
            w={150}
            onChange={(value) => {
              if (typeof value === 'number' && value >= 1 && value <= dataset.rows)
                change({ row: value - 1 });
            }}
          />
          <ActionIcon
            size={36}
            variant="default"
            aria-label="Next row"
            disabled={row >= dataset.rows - 1}
            onClick={() => change({ row: row + 1 })}
          >
            <IconChevronRight size={18} aria-hidden />
          </ActionIcon>
        </Group>
      </Group>
      {error && <ErrorView title={`Row ${row + 1} could not be tokenized`} info={error} />}
      {!error && !tokens && <Skeleton h={260} aria-busy />}
      {!error && tokens && <Tokens tokens={tokens} />}
    </Stack>
  );
}

function Tokens({ tokens }: { tokens: TokenizedRow }) {
  const trained = tokens.trained.filter(Boolean).length;
  const total = tokens.ids.length;
  return (
    <>
      {tokens.warnings.map((warning) => (
        <Alert key={warning} color="yellow" icon={<IconAlertTriangle aria-hidden />}>
          {warning}
        </Alert>
      ))}
      <Facts
        columns={4}
        facts={[
          ['Tokens', formatInteger(total)],
          ['Trained', `${formatInteger(trained)} (${formatPercent(total > 0 ? trained / total : 0)})`],
          ['Masked', formatInteger(total - trained)],
          ['Cut off', formatInteger(tokens.truncated)],
        ]}
      />
      <TokenLegend />
      <TokenView row={tokens} />
    </>
  );
}

/** Tokens of one row; the last answer stays while the next is under way, so that nothing jumps. */
function useTokens(query: TokenizeQuery | null, row: number) {
  const tokenize = useStore((s) => s.tokenizeRow);
  const [tokens, setTokens] = useState<TokenizedRow | null>(null);
  const [error, setError] = useState<ErrorInfo | null>(null);
  const key = query ? statsKey(query) : '';
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the query
  useEffect(() => {
    if (!query) return;
    let current = true;
    tokenize(query, row).then(
      (result) => {
        if (!current) return;
        setTokens(result);
        setError(null);
      },
      (thrown) => current && setError(asErrorInfo(thrown)),
    );
    return () => {
      current = false;
    };
  }, [key, row, tokenize]);
  return { tokens, error };
}
