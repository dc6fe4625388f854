export * from './channel.ts';
export * from './session.ts';
