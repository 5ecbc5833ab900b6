import type { Client } from '../client.ts';
export declare function createMockClient(): Client;
