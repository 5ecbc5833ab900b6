/**
 * Who may speak to the browser shell: whoever holds the token of this COLLIE_HOME, from a page that we served. The Host
 * header must be ours too, else a foreign domain that resolves to 127.0.0.1 could act as our page (DNS rebinding).
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { writeTextSync } from '../server/files/write.ts';
import { CollieError } from '../shared/errors.ts';

/** Reads `<home>/token`, or makes it. 0600, 256 random bits. */
export function readOrCreateToken(home: string): string {
  const path = join(home, 'token');
  if (existsSync(path)) {
    const token = readFileSync(path, 'utf8').trim();
    if (/^[A-Za-z0-9_-]{32,}$/.test(token)) {
      chmodSync(path, 0o600);
      return token;
    }
  }
  const token = randomBytes(32).toString('base64url');
  writeTextSync(path, `${token}\n`, { mode: 0o600 });
  chmodSync(path, 0o600);
  return token;
}

/** Compares in constant time; hashing makes the lengths equal. */
export function sameSecret(left: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}

/** Cookies do not know ports, so two workbenches on one machine need two names. */
export const cookieName = (port: number) => `collie_${port}`;

export function setCookieHeader(port: number, token: string): string {
  return `${cookieName(port)}=${token}; HttpOnly; SameSite=Strict; Path=/; Max-Age=31536000`;
}

export interface Gate {
  readonly port: number;
  readonly token: string;
  /** Origins beside our own, e.g. a development server of the page. */
  readonly allowedOrigins: readonly string[];
}

/** Throws auth.denied unless the request names this server in its Host header. */
export function checkHost(request: IncomingMessage, gate: Gate): void {
  const host = request.headers.host ?? '';
  if (!ownHosts(gate).includes(host)) throw denied(`The Host header "${host}" is not this server.`);
}

/** Throws auth.denied for a foreign origin. Programs send none; they still need the token. */
export function checkOrigin(request: IncomingMessage, gate: Gate): void {
  const { origin } = request.headers;
  if (origin === undefined) return;
  const own = ownHosts(gate).map((host) => `http://${host}`);
  if (!own.includes(origin) && !gate.allowedOrigins.includes(origin)) {
    throw denied(`Pages of ${origin} may not use this server.`);
  }
}

/** The token from `?token=`, a bearer header or the cookie. Throws auth.denied when none of them is right. */
export function checkToken(request: IncomingMessage, url: URL, gate: Gate): void {
  const candidates = [url.searchParams.get('token'), bearer(request), cookie(request, cookieName(gate.port))];
  const given = candidates.filter((candidate): candidate is string => !!candidate);
  if (given.some((candidate) => sameSecret(candidate, gate.token))) return;
  throw denied(given.length === 0 ? 'This request carries no access token.' : 'The access token is wrong.');
}

function ownHosts(gate: Gate): string[] {
  return ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${gate.port}`);
}

function bearer(request: IncomingMessage): string | null {
  return /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? null;
}

function cookie(request: IncomingMessage, name: string): string | null {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [key, value] = part.trim().split('=', 2);
    if (key === name && value) return value;
  }
  return null;
}

function denied(message: string): CollieError {
  return new CollieError('auth.denied', message, 'Open the address that `collie serve` printed.');
}
