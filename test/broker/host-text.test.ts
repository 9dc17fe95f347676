import { expect, test } from 'vitest'
import { hostText } from '../../src/broker/host-text.ts'

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '0:0:0:0:0:0:0:1'],
  ['::', '0:0:0:0:0:0:0:0'],
  ['fe80::1ff:fe23:4567:890a%eth2', 'fe80:0:0:0:1ff:fe23:4567:890a%eth2'],
  ['2001:0DB8::0001', '2001:db8:0:0:0:0:0:1'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
])('%s is shown as Java shows it', (address, text) => {
  expect(hostText(address)).toBe(text)
})
