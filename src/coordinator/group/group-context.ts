import type { GroupSettings } from './group-settings.ts'

/** Who sent a request, as far as groups look at it. */
export interface Client {
  readonly apiVersion: number
  readonly clientId: string
  /** As groups show it: the address behind a slash. */
  readonly clientHost: string
}

/** What group coordinators are given; time comes with each input. */
export interface GroupContext {
  readonly settings: GroupSettings
  /** A random UUID as text; makes member ids. */
  randomId(): string
}
