import { instanceMiB } from "../../estate/redis";

/** Memory settings that follow from the machine's size and from how many connections the estate grants. In MiB. */

/** Connections kept for the admin, the backup and the monitoring beside the services'. */
const RESERVE = 30;

/** A change of max_connections restarts PostgreSQL for everybody: it moves so seldom that one more database is no reason for it. */
const STEP = 200;

/** `max_connections`: every service at its limit in both halves of a rotation would still leave the reserve. */
export function maxConnections(serviceLimits: readonly number[]): number {
  const services = serviceLimits.reduce((sum, limit) => sum + limit, 0);
  return Math.ceil((services + RESERVE) / STEP) * STEP;
}

export interface PostgresSizing {
  sharedBuffers: number;
  effectiveCacheSize: number;
  maintenanceWorkMem: number;
  workMem: number;
  minWalSize: number;
  maxWalSize: number;
}

/** The platform's tuning for 8192 MiB (2048, 6144, 512, 10, 1024, 4096), scaled. */
export function postgresSizing(memoryMiB: number): PostgresSizing {
  return {
    sharedBuffers: Math.floor(memoryMiB / 4),
    effectiveCacheSize: Math.floor((memoryMiB * 3) / 4),
    maintenanceWorkMem: clamp(Math.floor(memoryMiB / 16), 64, 2048),
    workMem: clamp(Math.floor(memoryMiB / 800), 4, 64),
    minWalSize: clamp(Math.floor(memoryMiB / 8), 80, 1024),
    maxWalSize: clamp(Math.floor(memoryMiB / 2), 512, 4096),
  };
}

export interface MariadbSizing {
  bufferPool: number;
  logFile: number;
  temporaryTable: number;
}

/** 60 % for InnoDB's pages in steps of 128, a quarter of that for the redo log. */
export function mariadbSizing(memoryMiB: number): MariadbSizing {
  const bufferPool = Math.max(128, Math.floor((memoryMiB * 0.6) / 128) * 128);
  return {
    bufferPool,
    logFile: clamp(Math.floor(bufferPool / 4), 96, 4096),
    temporaryTable: clamp(Math.floor(memoryMiB / 256), 16, 64),
  };
}

export interface RedisSizing {
  /** What the instance may take as a process, its children included; beyond it the kernel ends one of them, and nobody else's. */
  process: number;
  /** `maxmemory` */
  data: number;
}

/** Code, TLS and the tables of an instance without a key. */
const REDIS_BASE = 16;

/** 60 % for data: a save forks, and what is written meanwhile stands twice. */
export function redisSizing(memoryMiB: number, memoryShare: number): RedisSizing {
  const process = instanceMiB(memoryMiB, memoryShare);
  return { process, data: Math.floor((process - REDIS_BASE) * 0.6) };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
