import { Alert, Badge, Collapse, Group, Text, Title, UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { memo, type ReactNode, useState } from 'react';
import { type SpecField, specValue } from '../../../../electron/shared/spec/spec-fields.ts';
import { useStore } from '../../store/context.tsx';
import classes from './Compose.module.css';
import { FieldRow, isChanged } from './FieldRow.tsx';
import type { FormView } from './form-view.ts';
import { issuesAt, issuesOfNoField, issueText } from './issues.ts';
import { LayoutPanel } from './parallel/LayoutPanel.tsx';
import { isSimple, type Section, sectionOf } from './sections.ts';

interface Props {
  readonly section: Section;
  readonly view: FormView;
  readonly advancedOpen: boolean;
  readonly onAdvanced: (id: string, open: boolean) => void;
}

/** One section of the form: only the fields of the chosen variants, the rarer ones behind "Advanced". The simple form leaves out what most runs leave alone. */
export const SectionCard = memo(function SectionCard({ section, view, advancedOpen, onAdvanced }: Props) {
  const draft = useStore((s) => s.draft);
  const issues = useStore((s) => s.issues);
  const oneDevice = useOneDevice();
  const [unfolded, setUnfolded] = useState(false);
  const fields = section.fields.filter(({ when }) => !when || specValue(draft, when.path) === when.equals);
  const wrong = (field: SpecField) => issuesAt(issues, field.path).length > 0;
  const changed = (field: SpecField) => isChanged(field, draft);
  const homeless = issuesOfNoField(issues, fields).filter((issue) => sectionOf(issue.path) === section);
  const matters = homeless.length > 0 || fields.some((field) => wrong(field) || changed(field));
  const isParallel = section.id === 'parallel';
  const layout = isParallel && (matters || !oneDevice || view === 'all');
  const simple = fields.filter((field) => isSimple(field) || wrong(field) || changed(field));
  if (view === 'simple' && simple.length === 0 && homeless.length === 0 && !layout) return null;

  const head = (
    <>
      <Title order={3} size="h2" id={`section-${section.id}`}>
        {section.title}
      </Title>
      {section.help && (
        <Text size="xs" c="dimmed">
          {section.help}
        </Text>
      )}
    </>
  );
  // One device has one rank; who wants several there, to try them, finds them behind a click.
  if (isParallel && oneDevice && !matters && !unfolded)
    return (
      <Frame section={section}>
        <Group gap="sm" justify="space-between">
          <Group gap="sm" align="baseline">
            {head}
          </Group>
          <UnstyledButton
            className={classes.advanced ?? ''}
            m={0}
            aria-expanded={false}
            onClick={() => setUnfolded(true)}
          >
            <IconChevronRight size={15} aria-hidden className={classes.chevron ?? ''} />
            Several ranks
          </UnstyledButton>
        </Group>
        <Text size="sm" c="dimmed">
          This machine has one device: the run takes one rank, with all of it.
        </Text>
      </Frame>
    );
  const advanced = view === 'all' ? fields.filter((field) => field.meta.advanced) : [];
  return (
    <Frame section={section}>
      <Group gap="sm" mb="md" align="baseline">
        {head}
      </Group>
      {homeless.map((issue) => (
        <Alert key={issue.path + issue.code} color="red" mb="md" title={issue.path}>
          {issueText(issue)}
        </Alert>
      ))}
      <Fields fields={view === 'simple' ? simple : fields.filter((field) => !field.meta.advanced)} />
      {layout && <LayoutPanel />}
      {advanced.length > 0 && (
        <Advanced
          fields={advanced}
          open={advancedOpen}
          onOpen={(open) => onAdvanced(section.id, open)}
          changed={advanced.filter(changed).length}
          wrong={advanced.some(wrong)}
        />
      )}
    </Frame>
  );
});

const Frame = ({ section, children }: { section: Section; children: ReactNode }) => (
  <section className={classes.section} aria-labelledby={`section-${section.id}`} id={section.id}>
    {children}
  </section>
);

/** One CPU, or one GPU where the run is to compute on GPUs. */
function useOneDevice(): boolean {
  const devices = useStore((s) => s.system?.devices);
  const device = useStore((s) => specValue(s.draft, 'device'));
  return device !== 'cuda' || (devices?.filter(({ kind }) => kind === 'cuda').length ?? 0) <= 1;
}

interface AdvancedProps {
  readonly fields: readonly SpecField[];
  readonly open: boolean;
  readonly onOpen: (open: boolean) => void;
  readonly changed: number;
  readonly wrong: boolean;
}

function Advanced({ fields, open, onOpen, changed, wrong }: AdvancedProps) {
  return (
    <>
      <UnstyledButton className={classes.advanced ?? ''} aria-expanded={open} onClick={() => onOpen(!open)}>
        <IconChevronRight size={15} aria-hidden className={classes.chevron ?? ''} />
        Advanced
        <Text span size="xs" c="dimmed" inherit={false}>
          {fields.length} {fields.length === 1 ? 'setting' : 'settings'}
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
      <Collapse expanded={open} transitionDuration={120}>
        <Fields fields={fields} />
      </Collapse>
    </>
  );
}

function Fields({ fields }: { fields: readonly SpecField[] }) {
  return (
    <div className={classes.fields}>
      {fields.map((field) => (
        <FieldRow key={`${field.path} ${field.when?.equals ?? ''}`} field={field} />
      ))}
    </div>
  );
}
