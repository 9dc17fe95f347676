import { expect, test } from 'vitest'
import { defaultOpenFilesMax } from '../../src/server/open-files-max.ts'

function limits(soft: string): string {
  return `Limit                     Soft Limit           Hard Limit           Units
Max processes             95932                95932                processes
Max open files            ${soft.padEnd(20)} 1048576              files
Max locked memory         8388608              8388608              bytes
`
}

test('logs keep half of the files open that the process may, connections have the rest', () => {
  expect(defaultOpenFilesMax(limits('1024'))).toBe(512)
})

test('logs keep no more than 20,000 files open', () => {
  expect(defaultOpenFilesMax(limits('1048576'))).toBe(20_000)
  expect(defaultOpenFilesMax(limits('unlimited'))).toBe(20_000)
})

test('where the limit is not known logs keep 1,000 files open', () => {
  expect(defaultOpenFilesMax('')).toBe(1_000)
})
