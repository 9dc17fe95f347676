/** Goes on at once with what is there, and later with what is still to come. */
export function settled<T, U>(value: T | Promise<T>, next: (value: T) => U): U | Promise<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
