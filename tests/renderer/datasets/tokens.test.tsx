// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import type { TokenizedRow } from '../../../electron/shared/api/entities.ts';
import { asMessages } from '../../../renderer/src/features/datasets/CellValue.tsx';
import { conversation } from '../../../renderer/src/features/datasets/conversation.ts';
import DatasetPage from '../../../renderer/src/features/datasets/DatasetPage.tsx';
import { glyphs, TokenView, tokenLines } from '../../../renderer/src/features/datasets/TokenView.tsx';
import { renderWithStore } from '../support/render.tsx';

const row: TokenizedRow = {
  ids: [1, 50, 198, 40, 99, 2],
  texts: ['<|im_start|>', ' user', '\n', ' \t', 'yes', '<|im_end|>'],
  trained: [false, false, false, false, true, true],
  truncated: 0,
  rendered: '',
  warnings: [],
};

describe('token view', () => {
  it('marks every token as trained or masked, and special ones', () => {
    const { container } = renderWithStore(<TokenView row={row} />);
    const chips = [...container.querySelectorAll('[data-state]')];
    expect(chips.map((chip) => chip.getAttribute('data-state'))).toEqual([
      'masked',
      'masked',
      'masked',
      'masked',
      'trained',
      'trained',
    ]);
    expect(chips.map((chip) => chip.hasAttribute('data-special'))).toEqual([
      true,
      false,
      false,
      false,
      false,
      true,
    ]);
    expect(chips[4]?.getAttribute('title')).toBe('Token 5, id 99, trained');
  });

  it('makes invisible characters visible and breaks lines where the text does', () => {
    expect(glyphs(' user')).toBe('·user');
    expect(glyphs('\n\n')).toBe('↵↵');
    expect(glyphs('\ta ')).toBe('⇥a·');
    expect(glyphs('a b')).toBe('a b');
    expect(tokenLines(row).map((line) => line.length)).toEqual([3, 3]);
  });
});

describe('a row as tokens', () => {
  it('counts, warns of a lost end, and goes from row to row in the address', async () => {
    location.hash = '#/datasets/larkspur-support/row?seq=20&row=6';
    renderWithStore(<DatasetPage id="larkspur-support" />);
    await screen.findByText('The end-of-turn token falls off at the sequence length.');
    const tokens = screen.getByRole('region', { name: 'Tokens' });
    expect(tokens.querySelectorAll('[data-state]')).toHaveLength(20);
    fireEvent.click(screen.getByRole('button', { name: 'Next row' }));
    await waitFor(() => expect(location.hash).toContain('row=7'));
    fireEvent.click(screen.getByRole('button', { name: 'Previous row' }));
    await waitFor(() => expect(location.hash).toContain('row=6'));
  });

  it('says what is missing before tokens can be shown', async () => {
    location.hash = '#/datasets/reviews/row';
    renderWithStore(<DatasetPage id="reviews" />);
    await screen.findByText('Choose the columns first');
  });
});

describe('token lengths', () => {
  it('warns of long rows and lost ends with their numbers', async () => {
    location.hash = '#/datasets/larkspur-support/tokens?seq=512';
    renderWithStore(<DatasetPage id="larkspur-support" />);
    await screen.findByText(/5 rows lose their end-of-turn token/, undefined, { timeout: 15_000 });
    screen.getByText(/5 rows longer than 512 tokens/);
    expect(screen.getByRole('img', { name: /5 rows beyond 512/ })).toBeTruthy();
  });
});

describe('columns', () => {
  it('are chosen, shown as a conversation, and saved', async () => {
    location.hash = '#/datasets/reviews/columns';
    const { client } = renderWithStore(<DatasetPage id="reviews" />);
    await screen.findByText('Choose the columns');
    const save = screen.getByRole('button', { name: 'Save columns' }) as HTMLButtonElement;
    expect(save.disabled).toBe(true);
    for (const label of ['Prompt column', 'Answer column']) {
      fireEvent.click(screen.getByRole('combobox', { name: label }));
      const list = await screen.findByRole('listbox', { name: label });
      fireEvent.click(within(list).getByRole('option', { name: /^text/ }));
    }
    await waitFor(() => expect(save.disabled).toBe(false));
    expect(screen.getByRole('region', { name: 'The first row as a conversation' }).textContent).toContain(
      'Trained',
    );
    fireEvent.click(save);
    await waitFor(() => expect(client.calls.some((c) => c.method === 'datasets.setMapping')).toBe(true));
    const sent = client.calls.find((c) => c.method === 'datasets.setMapping');
    expect(sent?.params).toMatchObject({ id: 'reviews', mapping: { prompt: 'text', answer: 'text' } });
  });
});

describe('rows', () => {
  it('are read page by page, and searched', async () => {
    location.hash = '#/datasets/support-chats/rows';
    const { client } = renderWithStore(<DatasetPage id="support-chats" />);
    await waitFor(() => expect(client.calls.some((c) => c.method === 'datasets.rows')).toBe(true));
    fireEvent.click(await screen.findByRole('button', { name: 'next page' }));
    await waitFor(() =>
      expect(client.calls.findLast((c) => c.method === 'datasets.rows')?.params).toMatchObject({
        offset: 100,
      }),
    );
    fireEvent.change(screen.getByLabelText('Search the rows'), { target: { value: 'no such text' } });
    await screen.findByText('No row contains "no such text"');
  });
});

describe('a conversation from a row', () => {
  it('puts the context behind the prompt and leaves empty parts out', () => {
    const mapping = { kind: 'prompt_answer', prompt: 'q', context: 'c', answer: 'a', system: null };
    expect(conversation({ q: 'Sum up', c: 'A text', a: 'Short' }, mapping)).toEqual([
      { role: 'user', text: 'Sum up\n\nA text', trained: false },
      { role: 'assistant', text: 'Short', trained: true },
    ]);
    expect(conversation({ q: 'Sum up', c: '', a: 'Short' }, mapping)[0]?.text).toBe('Sum up');
  });

  it('reads OpenAI and ShareGPT messages', () => {
    expect(asMessages([{ from: 'gpt', value: 'x' }])).toEqual([{ role: 'gpt', content: 'x' }]);
    expect(asMessages([{ role: 'user' }])).toBeNull();
    const turns = conversation(
      {
        m: [
          { from: 'human', value: 'a' },
          { from: 'gpt', value: 'b' },
        ],
      },
      { kind: 'chat', messages: 'm' },
    );
    expect(turns.map((turn) => turn.trained)).toEqual([false, true]);
  });
});
