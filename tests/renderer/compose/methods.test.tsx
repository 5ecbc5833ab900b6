// @vitest-environment jsdom
/** Choosing methods: what is listed, which settings show, what they cost, and that every control is described. */
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RunPreview } from '../../../electron/shared/api/entities.ts';
import type { MethodType } from '../../../electron/shared/spec/methods.ts';
import { type FieldOption, specFields, specValue } from '../../../electron/shared/spec/spec-fields.ts';
import ComposePage from '../../../renderer/src/features/compose/ComposePage.tsx';
import { byFamily } from '../../../renderer/src/features/compose/fields/VariantField.tsx';
import { memoryParts, memoryScale } from '../../../renderer/src/features/compose/memory-parts.ts';
import { SectionCard } from '../../../renderer/src/features/compose/SectionCard.tsx';
import { type Section, sectionOf } from '../../../renderer/src/features/compose/sections.ts';
import { renderWithStore } from '../support/render.tsx';

const methods = specFields().find((field) => field.path === 'method.type')?.options ?? [];
/** The section of the method with all of its settings: the whole page would take a hundred times as long. */
const renderMethod = (host: Parameters<typeof renderWithStore>[1] = {}) =>
  renderWithStore(
    <SectionCard section={sectionOf('method') as Section} view="all" advancedOpen onAdvanced={() => {}} />,
    host,
  );
const shown = (path: string) => document.querySelector(`[data-path="${path}"]`);
/** The name of a choice is its title and its help; one title may begin another. */
const named =
  ({ title, help }: Pick<FieldOption, 'title' | 'help'>) =>
  (name: string) =>
    name.startsWith(title) && name.includes(help);
const method = (type: MethodType) => methods.find(({ value }) => value === type) as FieldOption;
const choose = (method: FieldOption) => fireEvent.click(screen.getByRole('radio', { name: named(method) }));

// The simple form has its own tests (views.test.tsx).
beforeEach(() => localStorage.setItem('collie-form-view', 'all'));

describe('the list of methods', () => {
  it('stands under families, each method with its help', () => {
    renderMethod();
    const group = screen.getByRole('region', { name: 'Method' });
    for (const [family, options] of byFamily(methods)) {
      expect(family).not.toBe('');
      expect(within(group).getByText(family)).toBeTruthy();
      for (const { title, help } of options)
        expect(within(group).getByRole('radio', { name: named({ title, help }) }).textContent).toContain(
          help,
        );
    }
  });

  it('names when to choose the chosen one, and its paper', () => {
    renderMethod();
    choose(method('ia3'));
    const link = screen.getByRole('link', { name: 'IA3 (2022)' });
    expect(link.getAttribute('href')).toBe('https://arxiv.org/abs/2205.05638');
    expect(link.closest('p')?.textContent).toContain('For many small tasks on one model');
  });

  it.each(methods.map((method) => [method.title, method] as const))(
    '%s shows its own settings only',
    (_, method) => {
      const { value } = method;
      renderMethod();
      choose(method);
      for (const field of specFields().filter(({ when }) => when?.path === 'method.type')) {
        const own = specFields().some((one) => one.path === field.path && one.when?.equals === value);
        expect(shown(field.path) !== null, field.path).toBe(own);
      }
    },
  );

  it('takes the learning rate along, and sets it back to the one of the method', () => {
    const { state } = renderWithStore(<ComposePage />);
    choose(method('prompt_tuning'));
    expect(specValue(state().draft, 'optimizer.learning_rate')).toBeNull();
    expect(screen.getByLabelText('Learning rate').getAttribute('placeholder')).toBe('0.03 (recommended)');
    expect(screen.queryByRole('button', { name: /Set Learning rate back/ })).toBeNull();
    fireEvent.change(screen.getByLabelText('Learning rate'), { target: { value: '0.1' } });
    fireEvent.click(
      screen.getByRole('button', { name: 'Set Learning rate back to 0.03, the recommended one' }),
    );
    expect(specValue(state().draft, 'optimizer.learning_rate')).toBeNull();
  });
});

describe('modules', () => {
  it('are tags: usual ones offered, patterns typed', () => {
    const { state } = renderMethod();
    const input = screen.getByLabelText('Target modules');
    input.focus();
    fireEvent.change(input, { target: { value: 'layers.1?.mlp.*' } });
    fireEvent.keyDown(input, { key: 'Enter' });
    const targets = specValue(state().draft, 'method.target_modules') as string[];
    expect(targets.at(-1)).toBe('layers.1?.mlp.*');
    expect(targets).toContain('q_proj');
    choose(method('ia3'));
    fireEvent.click(screen.getByLabelText('Target modules'));
    expect(screen.getByRole('option', { name: 'gate_proj', hidden: true })).toBeTruthy();
  });
});

describe('an adapter to continue from', () => {
  const record = (kind: 'adapter' | 'merged', path: string) => ({
    runId: 'run-done',
    checkpoint: 'step-00000240',
    kind,
    path,
    sizeBytes: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
  });

  it('is a path, or one exported here', async () => {
    const { state } = renderMethod({
      methods: {
        'exports.list': () => [record('adapter', '/x/adapter-240'), record('merged', '/x/merged-240')],
      },
    });
    fireEvent.click(await screen.findByRole('combobox', { name: 'Adapters exported here', hidden: true }));
    const options = await screen.findAllByRole('option', { name: /step 240/, hidden: true });
    expect(options).toHaveLength(1);
    fireEvent.click(options[0] as HTMLElement);
    expect(specValue(state().draft, 'method.init_adapter')).toBe('/x/adapter-240');
    fireEvent.change(screen.getByLabelText('Continue from, path'), { target: { value: '' } });
    expect(specValue(state().draft, 'method.init_adapter')).toBeNull();
  });
});

describe('help', () => {
  it('is linked to the controls of all other settings', () => {
    const { container } = renderWithStore(<ComposePage />);
    for (const title of screen.getAllByText('Advanced')) fireEvent.click(title);
    const rows = [...container.querySelectorAll('[data-path]')];
    expect(rows.length).toBeGreaterThan(30);
    const without = rows
      .filter((row) => row.querySelector('[aria-describedby]') === null)
      .map((row) => row.getAttribute('data-path'));
    // Their headings and controls say what they are.
    expect(without.sort()).toEqual(['dataset.train', 'method.type', 'model', 'optimizer.type']);
  });

  it('is linked to its control, for every method', () => {
    renderMethod();
    const missing = new Set<string>();
    for (const method of methods) {
      const { value } = method;
      choose(method);
      const fields = specFields().filter(
        ({ path, kind, when }) => path.startsWith('method.') && kind !== 'variant' && when?.equals === value,
      );
      for (const { path, meta } of fields) {
        const described = [...(shown(path) as Element).querySelectorAll('[aria-describedby]')].flatMap(
          (element) => (element.getAttribute('aria-describedby') ?? '').split(' '),
        );
        const text = described.map((id) => document.getElementById(id)?.textContent ?? '').join(' ');
        if (!text.includes(meta.help.replaceAll('`', ''))) missing.add(`${value} ${path}`);
      }
    }
    expect([...missing]).toEqual([]);
  });
});

const memory = (change: Partial<RunPreview['memory']>): RunPreview['memory'] => ({
  weightsBytes: 100,
  gradientsBytes: 20,
  optimizerBytes: 40,
  activationsBytes: 30,
  totalBytes: 200,
  availableBytes: 400,
  verdict: 'fits',
  ...change,
});

describe('the memory bar', () => {
  it('has every part, and what is left for the program', () => {
    expect(memoryParts(memory({})).map(({ name, bytes }) => [name, bytes])).toEqual([
      ['weights', 100],
      ['gradients', 20],
      ['optimizer', 40],
      ['activations', 30],
      ['program', 10],
    ]);
  });

  it('stands on the available memory; beyond it when the run does not fit; on a power of two when it is small', () => {
    expect(memoryScale(memory({}))).toEqual({ end: 412, limit: 400 / 412 });
    const over = memoryScale(memory({ totalBytes: 800 }));
    expect(over.end).toBeGreaterThan(800);
    expect(over.limit).toBeCloseTo(400 / over.end, 6);
    expect(memoryScale(memory({ availableBytes: 100_000 }))).toEqual({ end: 256, limit: null });
    expect(memoryScale(memory({ totalBytes: 210, availableBytes: 100_000 })).end).toBe(256);
  });

  it('changes with the method, with its cost above', async () => {
    const { state } = renderWithStore(<ComposePage />);
    await waitFor(() => expect(state().datasets).not.toBeNull());
    state().setField('model', 'library:smollm2-135m-instruct');
    state().chooseDataset('larkspur-support');
    await state().validateDraft();
    const panel = screen.getByRole('complementary', { name: 'Summary' });
    const optimizer = () => within(panel).getByText('Optimizer').parentElement?.textContent;
    await waitFor(() => expect(panel.textContent).toContain('4.9M'));
    const before = optimizer();
    choose(method('prompt_tuning'));
    await state().validateDraft();
    await waitFor(() => expect(panel.textContent).toContain('11.5K (0.0086%)'));
    expect(optimizer()).not.toBe(before);
    choose(method('full'));
    await state().validateDraft();
    await waitFor(() => expect(panel.textContent).toContain('None: the model itself'));
  });
});
