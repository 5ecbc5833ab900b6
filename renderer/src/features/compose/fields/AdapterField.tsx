import { Select } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { ExportRecord } from '../../../../../electron/shared/api/export-record.ts';
import { checkpointStep } from '../../../../../electron/shared/runs/run-folder.ts';
import { PathPicker } from '../../../components/PathPicker.tsx';
import { useClient, useStore } from '../../../store/context.tsx';
import { type FieldProps, helpProps } from './field-props.ts';

/** An adapter to continue from: a folder on this machine, or one that was exported here. */
export function AdapterField({ field, id, value, error, help, onChange }: FieldProps) {
  const path = typeof value === 'string' ? value : '';
  const change = (next: string | null) => onChange(next === null || next === '' ? null : next);
  const exported = useExportedAdapters();
  return (
    <>
      <PathPicker
        id={id}
        ariaLabel={`${field.meta.title}, path`}
        pick="folder"
        placeholder="None: start afresh"
        value={path}
        error={error}
        {...helpProps({ id, help })}
        onChange={change}
      />
      {exported.length > 0 && (
        <Select
          mt={6}
          size="xs"
          aria-label="Adapters exported here"
          placeholder={`Choose from ${exported.length} exported here`}
          data={exported}
          value={exported.some((one) => one.value === path) ? path : null}
          clearable
          searchable
          onChange={change}
        />
      )}
    </>
  );
}

/** Exported adapters by the names of their runs, newest first. */
function useExportedAdapters(): { value: string; label: string }[] {
  const client = useClient();
  const runs = useStore((s) => s.runs);
  const report = useStore((s) => s.report);
  const [records, setRecords] = useState<readonly ExportRecord[]>([]);
  useEffect(() => {
    let wanted = true;
    client.call('exports.list', {}).then(
      (list) => wanted && setRecords(list),
      (thrown) => wanted && report('The exported adapters could not be listed', thrown),
    );
    return () => {
      wanted = false;
    };
  }, [client, report]);
  return records
    .filter((record) => record.kind === 'adapter')
    .map(({ path, runId, checkpoint }) => ({
      value: path,
      label: `${runs?.[runId]?.name || runId}, step ${checkpointStep(checkpoint) ?? '?'}`,
    }));
}
