// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SpecIssue } from '../../../electron/shared/spec/run-spec.ts';
import { runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';
import { specFields, specValue } from '../../../electron/shared/spec/spec-fields.ts';
import ComposePage from '../../../renderer/src/features/compose/ComposePage.tsx';
import { sectionOf, sections } from '../../../renderer/src/features/compose/sections.ts';
import { renderWithStore } from '../support/render.tsx';

const shown = (path: string) => document.querySelector(`[data-path="${path}"]`);

function openAdvanced() {
  for (const title of screen.queryAllByRole('button', { name: 'Several ranks' })) fireEvent.click(title);
  for (const title of screen.getAllByText('Advanced')) fireEvent.click(title);
}

const issue = (path: string, message: string): SpecIssue => ({
  path,
  code: 'x',
  message,
  suggestion: 'Do this.',
});

function renderWithIssues(issues: SpecIssue[]) {
  return renderWithStore(<ComposePage />, {
    methods: { 'spec.validate': () => ({ issues, resolved: null, preview: null }) },
  });
}

// The simple form has its own tests (views.test.tsx).
beforeEach(() => localStorage.setItem('collie-form-view', 'all'));

describe('sections', () => {
  it('hold every field of the schema exactly once', () => {
    const placed = sections.flatMap((section) => section.fields);
    expect(new Set(placed).size).toBe(placed.length);
    expect(new Set(placed)).toEqual(new Set(specFields()));
  });

  it('know where an issue belongs, whatever its path', () => {
    expect(sectionOf('optimizer.learning_rate')?.id).toBe('optimizer');
    expect(sectionOf('dataset.mapping')?.id).toBe('dataset');
    expect(sectionOf('sampling.prompts.3')?.id).toBe('evaluation');
    expect(sectionOf('max_grad_norm')?.id).toBe('optimizer');
    expect(sectionOf('')).toBeNull();
    expect(sectionOf('no.such.key')).not.toBeNull();
  });
});

describe('the form', () => {
  it('shows every field of the chosen variants, each with its name', () => {
    const { state } = renderWithStore(<ComposePage />);
    openAdvanced();
    for (const field of specFields()) {
      const active = !field.when || specValue(state().draft, field.when.path) === field.when.equals;
      const element = shown(field.path);
      if (!active) continue;
      expect(element, field.path).not.toBeNull();
      expect(element?.textContent, field.path).toContain(field.meta.title);
      const control = element?.querySelector(
        'input, textarea, select, [role="radiogroup"], [role="group"], button',
      );
      expect(control, field.path).not.toBeNull();
    }
  });

  it('names every input', () => {
    const { container } = renderWithStore(<ComposePage />);
    openAdvanced();
    const unnamed = [...container.querySelectorAll('input, textarea')].filter((input) => {
      const element = input as HTMLInputElement;
      return element.type !== 'hidden' && !element.labels?.length && !element.getAttribute('aria-label');
    });
    expect(unnamed.map((input) => input.outerHTML.slice(0, 120))).toEqual([]);
  });

  it('shows only the settings of the chosen variant', async () => {
    renderWithStore(<ComposePage />);
    expect(shown('method.rank')).not.toBeNull();
    fireEvent.click(screen.getByRole('radio', { name: /Full fine-tuning/ }));
    await waitFor(() => expect(shown('method.rank')).toBeNull());
  });

  it('puts each problem beside its field, advanced ones counted at their heading', async () => {
    renderWithIssues([
      issue('optimizer.learning_rate', 'Too big.'),
      issue('optimizer.beta2', 'Too small.'),
      issue('dataset', 'Nonsense as a whole.'),
    ]);
    await screen.findAllByText(/Too big\. Do this\./);
    openAdvanced();
    expect(shown('optimizer.learning_rate')?.textContent).toContain('Too big. Do this.');
    expect(shown('optimizer.beta2')?.textContent).toContain('Too small.');
    const optimizer = screen.getByRole('region', { name: 'Optimizer' });
    expect(within(optimizer).getByText('Needs attention')).toBeTruthy();
    expect(screen.getByRole('region', { name: 'Dataset' }).textContent).toContain('Nonsense as a whole.');
  });

  it('marks the input that is wrong for screen readers', async () => {
    renderWithIssues([issue('method.alpha', 'Too big.')]);
    const input = await waitFor(() => {
      const found = screen.getByLabelText('Alpha');
      expect(found.getAttribute('aria-invalid')).toBe('true');
      return found;
    });
    const described = input.getAttribute('aria-describedby') ?? '';
    expect(
      described.split(' ').some((id) => document.getElementById(id)?.textContent?.includes('Too big.')),
    ).toBe(true);
  });

  it('does not call what was not chosen yet an error, until it was tried', async () => {
    const { state } = renderWithStore(<ComposePage />);
    await waitFor(() => expect(state().issues.some((i) => i.path === 'model')).toBe(true));
    expect(document.getElementById('field-model')?.getAttribute('aria-invalid')).not.toBe('true');
    await state().startDraft();
    await waitFor(() =>
      expect(document.getElementById('field-model')?.getAttribute('aria-invalid')).toBe('true'),
    );
  });

  it('counts changed advanced settings and sets one back', async () => {
    const { state } = renderWithStore(<ComposePage />);
    state().setField('optimizer.beta1', 0.8);
    const optimizer = screen.getByRole('region', { name: 'Optimizer' });
    await within(optimizer).findByText('1 changed');
    openAdvanced();
    fireEvent.click(within(optimizer).getByRole('button', { name: 'Set Beta 1 back to 0.9' }));
    expect(specValue(state().draft, 'optimizer.beta1')).toBe(0.9);
    await waitFor(() => expect(within(optimizer).queryByText('1 changed')).toBeNull());
  });

  it('takes exponents, and steps by factors', () => {
    const { state } = renderWithStore(<ComposePage />);
    const input = screen.getByLabelText('Learning rate');
    fireEvent.change(input, { target: { value: '3e-4' } });
    expect(specValue(state().draft, 'optimizer.learning_rate')).toBe(3e-4);
    fireEvent.keyDown(input, { key: 'ArrowUp' });
    expect(specValue(state().draft, 'optimizer.learning_rate')).toBe(5e-4);
    const rank = screen.getByLabelText('Rank');
    fireEvent.keyDown(rank, { key: 'ArrowDown' });
    expect(specValue(state().draft, 'method.rank')).toBe(8);
    // What is no number stays in the draft, where the schema refuses it: the recommended rate does not take its place.
    fireEvent.change(input, { target: { value: 'fast' } });
    expect((input as HTMLInputElement).value).toBe('fast');
    expect(
      runSpecSchema.safeParse(state().draft).error?.issues.map((issue) => issue.path.join('.')),
    ).toContain('optimizer.learning_rate');
  });

  it('edits sample prompts', () => {
    const { state } = renderWithStore(<ComposePage />);
    fireEvent.click(screen.getByRole('button', { name: 'Add' }));
    fireEvent.change(screen.getByLabelText('Sample prompts 1'), { target: { value: 'Hello?' } });
    expect(specValue(state().draft, 'sampling.prompts')).toEqual(['Hello?']);
    fireEvent.click(screen.getByRole('button', { name: 'Remove sample prompts 1' }));
    expect(specValue(state().draft, 'sampling.prompts')).toEqual([]);
  });
});

describe('starting', () => {
  it('is refused with the reasons, each a way to its field', async () => {
    renderWithStore(<ComposePage />);
    const reason = await screen.findByRole('button', { name: 'Choose the model' });
    expect((screen.getByRole('button', { name: 'Start run' }) as HTMLButtonElement).disabled).toBe(true);
    fireEvent.click(reason);
    await waitFor(() => expect(document.activeElement?.id).toBe('field-model'));
  });

  it('opens Advanced on the way to a field inside it', async () => {
    renderWithIssues([issue('optimizer.beta2', 'Too small.')]);
    fireEvent.click(await screen.findByRole('button', { name: /Beta 2.*Too small/ }));
    await waitFor(() => expect(document.activeElement?.id).toBe('field-optimizer-beta2'));
    const optimizer = screen.getByRole('region', { name: 'Optimizer' });
    expect(
      within(optimizer)
        .getByRole('button', { name: /^Advanced/ })
        .getAttribute('aria-expanded'),
    ).toBe('true');
  });

  it('names a missing engine', async () => {
    renderWithStore(<ComposePage />, {
      methods: {
        'system.info': () => ({
          version: '1',
          home: '/h',
          platform: 'linux',
          shell: 'browser',
          engine: {
            built: false,
            path: '',
            problem: { code: 'engine.not_built', message: 'No engine.', hint: 'Build it.', data: {} },
          },
          devices: [],
        }),
      },
    });
    await screen.findByText('No engine. Build it.');
  });

  it('goes to the run', async () => {
    const { state, client } = renderWithStore(<ComposePage />);
    await waitFor(() => expect(state().datasets).not.toBeNull());
    state().setField('model', 'library:smollm2-135m-instruct');
    state().chooseDataset('larkspur-support');
    await state().validateDraft();
    const start = screen.getByRole('button', { name: 'Start run' });
    await waitFor(() => expect((start as HTMLButtonElement).disabled).toBe(false));
    expect(screen.getByText(/LoRA adapters of rank 16 on 304 rows/)).toBeTruthy();
    expect(screen.getByRole('img', { name: /of 24.0 GiB available/ })).toBeTruthy();
    fireEvent.click(start);
    await waitFor(() => expect(location.hash).toBe('#/runs/run-live'));
    const sent = client.calls.find((c) => c.method === 'runs.start');
    expect(specValue(sent?.params, 'spec.dataset.mapping.answer')).toBe('answer');
  });
});

describe('the JSON view', () => {
  it('edits the same draft, and leaves it alone while the text is no spec', async () => {
    location.hash = '#/compose/json';
    const { state } = renderWithStore(<ComposePage />);
    const text = await screen.findByLabelText('The spec as JSON');
    const spec = JSON.parse((text as HTMLTextAreaElement).value);
    fireEvent.change(text, { target: { value: JSON.stringify({ ...spec, seed: 7 }) } });
    expect(state().draft.seed).toBe(7);
    fireEvent.change(text, { target: { value: '{"seed": ' } });
    expect(state().draft.seed).toBe(7);
    expect(screen.getByText('This is not a spec')).toBeTruthy();
    fireEvent.change(text, { target: { value: '[1]' } });
    expect(screen.getByText(/A spec is a JSON object/)).toBeTruthy();
  });
});
