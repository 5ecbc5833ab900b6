import { Alert, Badge, Collapse, Group, Text, Title, UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { memo } from 'react';
import { type SpecField, specValue } from '../../../../electron/shared/spec/spec-fields.ts';
import { useStore } from '../../store/context.tsx';
import classes from './Compose.module.css';
import { FieldRow, isChanged } from './FieldRow.tsx';
import { issuesOfNoField, issueText } from './issues.ts';
import { LayoutPanel } from './parallel/LayoutPanel.tsx';
import { type Section, sectionOf } from './sections.ts';

interface Props {
  readonly section: Section;
  readonly advancedOpen: boolean;
  readonly onAdvanced: (id: string, open: boolean) => void;
}

/** One section of the form: only the fields of the chosen variants, the rarer ones behind "Advanced". */
export const SectionCard = memo(function SectionCard({ section, advancedOpen, onAdvanced }: Props) {
  const draft = useStore((s) => s.draft);
  const issues = useStore((s) => s.issues);
  const fields = section.fields.filter(({ when }) => !when || specValue(draft, when.path) === when.equals);
  const plain = fields.filter((field) => !field.meta.advanced);
  const advanced = fields.filter((field) => field.meta.advanced);
  const changed = advanced.filter((field) => isChanged(field, draft)).length;
  const wrong = advanced.some((field) => issues.some((issue) => issue.path === field.path));
  const homeless = issuesOfNoField(issues, fields).filter((issue) => sectionOf(issue.path) === section);
  return (
    <section className={classes.section} aria-labelledby={`section-${section.id}`} id={section.id}>
      <Group gap="sm" mb="md" align="baseline">
        <Title order={2} id={`section-${section.id}`}>
          {section.title}
        </Title>
        {section.help && (
          <Text size="xs" c="dimmed">
            {section.help}
          </Text>
        )}
      </Group>
      {homeless.map((issue) => (
        <Alert key={issue.path + issue.code} color="red" mb="md" title={issue.path}>
          {issueText(issue)}
        </Alert>
      ))}
      <Fields fields={plain} />
      {section.id === 'parallel' && <LayoutPanel />}
      {advanced.length > 0 && (
        <>
          <UnstyledButton
            className={classes.advanced ?? ''}
            aria-expanded={advancedOpen}
            onClick={() => onAdvanced(section.id, !advancedOpen)}
          >
            <IconChevronRight size={15} aria-hidden className={classes.chevron ?? ''} />
            Advanced
            <Text span size="xs" c="dimmed" inherit={false}>
              {advanced.length} {advanced.length === 1 ? 'setting' : 'settings'}
            </Text>
            {changed > 0 && (
              <Badge size="sm" variant="light">
                {changed} changed
              </Badge>
            )}
            {wrong && (
              <Badge size="sm" variant="light" color="red" c="var(--collie-bad)">
                Needs attention
              </Badge>
            )}
          </UnstyledButton>
          <Collapse expanded={advancedOpen} transitionDuration={120}>
            <Fields fields={advanced} />
          </Collapse>
        </>
      )}
    </section>
  );
});

function Fields({ fields }: { fields: readonly SpecField[] }) {
  return (
    <div className={classes.fields}>
      {fields.map((field) => (
        <FieldRow key={`${field.path} ${field.when?.equals ?? ''}`} field={field} />
      ))}
    </div>
  );
}
