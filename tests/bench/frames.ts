/** What drawing costs: frames a second, and time of the page's main thread. */
import type { CDPSession, Page } from 'playwright-core';

const sessions = new Map<Page, CDPSession>();

/** CPU time of the page's main thread so far: also true on a machine that does other things. */
export async function cpuSeconds(page: Page): Promise<number> {
  let session = sessions.get(page);
  if (!session) {
    session = await page.context().newCDPSession(page);
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    sessions.set(page, session);
  }
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
}

/** Frames a second that the page draws while `act` goes on, and the longest pause between two. */
export async function framesDuring(page: Page, act: () => Promise<unknown>): Promise<string> {
  await page.evaluate(() => {
    const times: number[] = [];
    Object.assign(window, { frameTimes: times, counting: true });
    const tick = (now: number) => {
      times.push(now);
      if ((window as unknown as { counting: boolean }).counting) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  const before = await cpuSeconds(page);
  await act();
  const cpu = (await cpuSeconds(page)) - before;
  const { fps, longest, frames } = await page.evaluate(() => {
    Object.assign(window, { counting: false });
    const times = (window as unknown as { frameTimes: number[] }).frameTimes;
    const gaps = times.slice(1).map((time, i) => time - (times[i] ?? time));
    const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
    return { fps: (gaps.length / span) * 1000, longest: Math.max(...gaps), frames: times.length };
  });
  const each = ((cpu / frames) * 1000).toFixed(1);
  return `${fps.toFixed(0)} frames/s, longest ${longest.toFixed(0)} ms, ${each} ms of CPU a frame`;
}
