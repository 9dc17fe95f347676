import { bool, message, string } from '../schema.ts'

/** The principal in an Envelope request, behind an int16 version (KIP-590). */
export const DefaultPrincipalData = message({
  name: 'DefaultPrincipalData',
  versions: [0, 0],
  flexibleSince: 0,
  fields: { type: string(), name: string(), tokenAuthenticated: bool() },
})
