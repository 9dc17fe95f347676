import { RE2JS, RE2JSException } from 're2js'

/**
 * Which topics a pattern stands for. Patterns come from clients and run on an engine whose time is
 * linear in the text, with the syntax of RE2 as in Kafka.
 */
export function compileTopicRegex(pattern: string): (topic: string) => boolean {
  const compiled = RE2JS.compile(pattern)
  return (topic) => compiled.matches(topic)
}

/** Why a pattern cannot be used, in Kafka's words; undefined when it can. */
export function topicRegexProblem(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern)
    return undefined
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    const { message } = error
    const reason = 'error' in error ? String(error.error) : message
    return `SubscribedTopicRegex \`${pattern}\` is not a valid regular expression: ${reason}.`
  }
}
