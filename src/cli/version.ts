// The build puts package.json's version in; sources that run as they are have none.
declare const DOHLE_VERSION: string | undefined

export const version: string = typeof DOHLE_VERSION === 'string' ? DOHLE_VERSION : '0.0.0-dev'
