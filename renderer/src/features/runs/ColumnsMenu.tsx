/** Which columns the run list has. */
import { Button, Checkbox, Popover, Stack, Text, TextInput } from '@mantine/core';
import { IconColumns } from '@tabler/icons-react';
import { useState } from 'react';
import classes from './Runs.module.css';
import { allColumns, defaultColumns } from './run-columns.tsx';

interface Props {
  chosen: readonly string[];
  onChange: (chosen: readonly string[]) => void;
}

export function ColumnsMenu({ chosen, onChange }: Props) {
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLowerCase();
  const found = allColumns().filter(
    ({ id, title }) => id !== 'name' && `${title} ${id}`.toLowerCase().includes(wanted),
  );
  const toggle = (id: string) =>
    onChange(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]);
  return (
    <Popover position="bottom-end" withinPortal>
      <Popover.Target>
        <Button variant="default" size="sm" leftSection={<IconColumns size={16} aria-hidden />}>
          Columns
        </Button>
      </Popover.Target>
      <Popover.Dropdown w={320}>
        <Stack gap="xs">
          <TextInput
            placeholder="Any setting, such as learning rate"
            aria-label="Search columns"
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
          <Stack gap={6} className={classes.columns ?? ''}>
            {found.map(({ id, title }) => (
              <Checkbox
                key={id}
                size="sm"
                label={title}
                description={id.startsWith('spec.') ? id.slice('spec.'.length) : undefined}
                checked={chosen.includes(id)}
                onChange={() => toggle(id)}
              />
            ))}
            {found.length === 0 && (
              <Text size="sm" c="dimmed">
                No column is called that.
              </Text>
            )}
          </Stack>
          <Button variant="subtle" size="compact-sm" onClick={() => onChange(defaultColumns)}>
            Reset
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
