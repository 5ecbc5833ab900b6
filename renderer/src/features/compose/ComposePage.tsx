import { Button, Tabs, VisuallyHidden } from '@mantine/core';
import { IconRestore } from '@tabler/icons-react';
import { useCallback, useEffect, useState } from 'react';
import { href, navigate } from '../../app/route.ts';
import { useRoute } from '../../app/use-route.ts';
import { ConfirmModal } from '../../components/confirm.tsx';
import { Page } from '../../components/Page.tsx';
import { useStore } from '../../store/context.tsx';
import classes from './Compose.module.css';
import { FormIndex } from './FormIndex.tsx';
import { useFormView } from './form-view.ts';
import { PresetGallery } from './PresetGallery.tsx';
import { PreviewPanel } from './PreviewPanel.tsx';
import { SectionCard } from './SectionCard.tsx';
import { SpecJson } from './SpecJson.tsx';
import { fieldId, partId, parts, sectionOf } from './sections.ts';

/** The run form: settings at the left, what they lead to at the right. `#/compose/json` shows the same as JSON. */
export default function ComposePage() {
  const route = useRoute();
  const view = route.parts[1] === 'json' ? 'json' : 'form';
  const validate = useStore((s) => s.validateDraft);
  const loadModels = useStore((s) => s.loadModels);
  const loadDatasets = useStore((s) => s.loadDatasets);
  const [formView, setFormView] = useFormView();
  const models = useStore((s) => s.models);
  const chooseOnlyModel = useStore((s) => s.chooseOnlyModel);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [target, setTarget] = useState<string | null>(null);

  useEffect(() => {
    void validate();
    void loadModels();
    void loadDatasets();
  }, [validate, loadModels, loadDatasets]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: when the list has come
  useEffect(() => chooseOnlyModel(), [models, chooseOnlyModel]);

  const setAdvanced = useCallback((id: string, isOpen: boolean) => {
    setOpen((before) => {
      const next = new Set(before);
      if (isOpen) next.add(id);
      else next.delete(id);
      return next;
    });
  }, []);

  function goTo(path: string) {
    if (view === 'json') navigate('#/compose', 'replace');
    const section = sectionOf(path);
    if (section?.fields.some((f) => path.startsWith(f.path) && f.meta.advanced))
      setAdvanced(section.id, true);
    setTarget(path);
  }
  // After the render that shows the field.
  useEffect(() => {
    if (target === null) return;
    focusField(target);
    setTarget(null);
  }, [target]);

  return (
    <Page
      title="New run"
      description="Every setting has a default that works; choose a model and a dataset, then start."
      actions={<ResetButton />}
    >
      <Tabs
        value={view}
        keepMounted={false}
        onChange={(next) => navigate(next === 'json' ? href('compose', 'json') : href('compose'), 'replace')}
      >
        <Tabs.List mb="md" aria-label="Views of the settings">
          <Tabs.Tab value="form">Form</Tabs.Tab>
          <Tabs.Tab value="json">JSON</Tabs.Tab>
        </Tabs.List>
        <div className={classes.layout}>
          <div>
            <Tabs.Panel value="form">
              <PresetGallery />
              <FormIndex view={formView} onView={setFormView} />
              {parts.map((part) => (
                <div key={part.id} id={partId(part.id)} className={classes.part} tabIndex={-1}>
                  <VisuallyHidden component="h2">{part.title}</VisuallyHidden>
                  {part.sections.map((section) => (
                    <SectionCard
                      key={section.id}
                      section={section}
                      view={formView}
                      advancedOpen={open.has(section.id)}
                      onAdvanced={setAdvanced}
                    />
                  ))}
                </div>
              ))}
            </Tabs.Panel>
            <Tabs.Panel value="json">
              <SpecJson />
            </Tabs.Panel>
          </div>
          <PreviewPanel onGoTo={goTo} />
        </div>
      </Tabs>
    </Page>
  );
}

function focusField(path: string): void {
  const element = document.getElementById(fieldId(path)) ?? document.querySelector(`[data-path="${path}"]`);
  if (!(element instanceof HTMLElement)) {
    document.getElementById(sectionOf(path)?.id ?? '')?.scrollIntoView({ block: 'start' });
    return;
  }
  element.scrollIntoView({ block: 'center' });
  const focusable = element.matches('input, textarea, select, button')
    ? element
    : element.querySelector<HTMLElement>('input:checked, button, input, textarea');
  (focusable ?? element).focus({ preventScroll: true });
}

function ResetButton() {
  const [asking, setAsking] = useState(false);
  const reset = useStore((s) => s.resetDraft);
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconRestore size={16} aria-hidden />}
        onClick={() => setAsking(true)}
      >
        Reset
      </Button>
      <ConfirmModal
        opened={asking}
        title="Reset every setting?"
        verb="Reset"
        onClose={() => setAsking(false)}
        onConfirm={async () => reset()}
      >
        Every setting goes back to its default, and model and dataset are no longer chosen.
      </ConfirmModal>
    </>
  );
}
