export * from './addresses.ts';
export * from './attributes.ts';
export * from './netlink-direct.ts';
export * from './sys.ts';
