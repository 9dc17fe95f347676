/** Constant message, data in fields; any pino logger fits. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const silent = () => {}

export const silentLogger: Logger = { debug: silent, info: silent, warn: silent, error: silent }
