import { Group, Radio, Select, SimpleGrid, Stack, Text } from '@mantine/core';
import type { DatasetCard } from '../../../../electron/shared/api/entities.ts';
import { specFields, variantDefaults } from '../../../../electron/shared/spec/spec-fields.ts';

export const MAPPING_KIND = 'dataset.mapping.kind';

interface Props {
  readonly columns: DatasetCard['columns'];
  /** May still lack required columns. */
  readonly mapping: Readonly<Record<string, unknown>>;
  readonly onChange: (mapping: Record<string, unknown>) => void;
  /** Problems by key of the mapping. */
  readonly errors?: Readonly<Record<string, string>>;
}

/** Which columns hold what. The kinds and their fields come from the RunSpec schema. */
export function MappingFields({ columns, mapping, onChange, errors = {} }: Props) {
  const kind = typeof mapping.kind === 'string' ? mapping.kind : null;
  const variant = specFields().find((field) => field.path === MAPPING_KIND);
  const fields = specFields().filter((f) => f.when?.path === MAPPING_KIND && f.when.equals === kind);
  return (
    <Stack gap="md">
      <Radio.Group
        label="What a row is"
        value={kind}
        onChange={(next) => onChange(variantDefaults(MAPPING_KIND, next))}
      >
        <SimpleGrid cols={2} mt={6} spacing="sm">
          {variant?.options?.map((option) => (
            <Radio.Card key={option.value} value={option.value} p="sm" radius="md">
              <Group wrap="nowrap" align="flex-start" gap="sm">
                <Radio.Indicator mt={2} />
                <div>
                  <Text size="sm" fw={550}>
                    {option.title}
                  </Text>
                  <Text size="xs" c="dimmed">
                    {option.help}
                  </Text>
                </div>
              </Group>
            </Radio.Card>
          ))}
        </SimpleGrid>
      </Radio.Group>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {fields.map((field) => (
          <Select
            key={field.key}
            label={field.meta.title}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            description={field.meta.help}
            placeholder={field.nullable ? 'None' : 'Choose a column'}
            data={columns.map((column) => ({
              value: column.name,
              label: `${column.name}  (${column.type})`,
            }))}
            value={typeof mapping[field.key] === 'string' ? (mapping[field.key] as string) : null}
            clearable={field.nullable}
            withAsterisk={field.required}
            searchable={columns.length > 8}
            error={errors[field.key]}
            comboboxProps={{ transitionProps: { duration: 0 } }}
            onChange={(value) =>
              onChange({ ...mapping, [field.key]: value ?? (field.nullable ? null : undefined) })
            }
          />
        ))}
      </SimpleGrid>
    </Stack>
  );
}
