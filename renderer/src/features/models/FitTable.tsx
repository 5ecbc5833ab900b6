import { Skeleton, Stack, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { ModelFit } from '../../../../electron/shared/api/model-fit.ts';
import type { ErrorInfo } from '../../../../electron/shared/errors.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { formatBytes, formatInteger } from '../../components/format.ts';
import { VerdictBadge } from '../../components/VerdictBadge.tsx';
import { useStore } from '../../store/context.tsx';
import { asErrorInfo } from '../../store/notices.ts';
import classes from './FitTable.module.css';

/** With which methods this machine can train the model. */
export function FitTable({ id }: { id: string }) {
  const fitOf = useStore((s) => s.fitOf);
  const [fit, setFit] = useState<ModelFit | null>(null);
  const [error, setError] = useState<ErrorInfo | null>(null);
  useEffect(() => {
    let here = true;
    setFit(null);
    setError(null);
    fitOf(id).then(
      (got) => here && setFit(got),
      (thrown) => here && setError(asErrorInfo(thrown)),
    );
    return () => {
      here = false;
    };
  }, [id, fitOf]);
  if (error) return <ErrorView title="What it takes could not be forecast" info={error} />;
  return (
    <Stack gap={4}>
      <Text size="sm" fw={500}>
        Does it fit this machine?
      </Text>
      {fit ? <Methods fit={fit} /> : <Skeleton h={200} radius="sm" aria-label="Forecasting" />}
    </Stack>
  );
}

function Methods({ fit }: { fit: ModelFit }) {
  const { methods, availableBytes, device, seqLen } = fit;
  return (
    <>
      <table className={classes.table}>
        <caption hidden>Memory of each method, and whether it fits</caption>
        <tbody>
          {methods.map(({ type, title, totalBytes, verdict, refusal }) => (
            <tr key={type}>
              <th scope="row">{title}</th>
              {totalBytes === null || verdict === null ? (
                <td className={classes.refused} colSpan={3}>
                  {refusal}
                </td>
              ) : (
                <>
                  <td className={classes.room}>
                    <div className={classes.track} aria-hidden>
                      <div
                        className={classes.bar}
                        style={{ width: `${share(totalBytes, availableBytes)}%` }}
                      />
                    </div>
                  </td>
                  <td>{formatBytes(totalBytes)}</td>
                  <td>
                    <VerdictBadge verdict={verdict} small />
                  </td>
                </>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      <Text size="xs" c="dimmed">
        Forecast with AdamW, one sequence of {formatInteger(seqLen)} tokens at a time, of{' '}
        {formatBytes(availableBytes)} on {device}. New run shows more, and how several devices share it.
      </Text>
    </>
  );
}

/** Percent; a bar is full where it does not fit. */
const share = (bytes: number, available: number) =>
  available > 0 ? Math.min(100, (100 * bytes) / available) : 100;
