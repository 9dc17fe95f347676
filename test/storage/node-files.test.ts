import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NodeFiles } from '../../src/storage/local/node-files.ts'
import { batchOf } from './batches.ts'
import { EngineFixture } from './engine-fixture.ts'

describe('files on a disk', () => {
  let root: string
  const files = new NodeFiles()
  const impatient = new NodeFiles({ lockWaitMs: 0 })

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'dohle-files-'))
  })

  afterEach(() => rmSync(root, { recursive: true, force: true }))

  const open = async () => {
    const fixture = await new EngineFixture(files, join(root, 'data')).open()
    await fixture.createTopic(1)
    return fixture
  }

  it('are for their owner alone', async () => {
    const fixture = await open()
    await fixture.append(batchOf({ values: ['a'] }))
    const modeOf = (path: string) => statSync(join(root, 'data', path)).mode & 0o777
    expect(modeOf('')).toBe(0o700)
    expect(modeOf('topic-0')).toBe(0o700)
    expect(modeOf('topic-0/00000000000000000000.log')).toBe(0o600)
    expect(modeOf('meta.properties')).toBe(0o600)
    expect(modeOf('.lock')).toBe(0o600)
    await fixture.engine.close()
  })

  it('are never reached through symbolic links', async () => {
    const fixture = await open()
    await fixture.append(batchOf({ values: ['a'] }))
    await fixture.engine.close()
    const log = join(root, 'data/topic-0/00000000000000000000.log')
    const elsewhere = join(root, 'elsewhere.log')
    writeFileSync(elsewhere, readFileSync(log))
    rmSync(log)
    symlinkSync(elsewhere, log)
    await expect(fixture.reopen()).rejects.toThrow(/00000000000000000000\.log is a symbolic link/)
    expect(() => files.open(log, 'write')).toThrow()
    rmSync(join(root, 'data/topic-0'), { recursive: true })
    symlinkSync(root, join(root, 'data/topic-0'))
    await expect(fixture.reopen()).rejects.toThrow(/topic-0 is a symbolic link/)
  })

  it('write and read pieces at any position', () => {
    const file = files.open(join(root, 'file'), 'write')
    file.writevSync([Buffer.from('ab'), Buffer.alloc(0), Buffer.from('cde')], 3)
    expect(file.sizeBytes()).toBe(8)
    const target = Buffer.alloc(10)
    expect(file.readSync(target, 2)).toBe(6)
    expect(target.subarray(0, 6).toString('latin1')).toBe('\0abcde')
    file.truncateSync(4)
    expect(file.readSync(target, 0)).toBe(4)
    file.close()
  })

  it('are gone at once when they are removed, large ones too', () => {
    const folder = join(root, 'folder')
    files.makeDirectory(folder)
    for (const path of [join(root, 'large'), join(folder, 'large'), join(folder, 'small')]) {
      files.writeFile(path, Buffer.alloc(path.endsWith('large') ? 2_000_000 : 1))
    }
    files.removeFile(join(root, 'large'))
    files.removeFile(join(root, 'large'))
    files.removeDirectory(folder)
    files.removeDirectory(folder)
    expect(files.list(root)).toEqual([])
  })

  it.skipIf(!existsSync('/proc/self/stat'))('know a living owner from a dead one', async () => {
    const path = join(root, '.lock')
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    const stat = readFileSync(`/proc/${other.pid}/stat`, 'utf8')
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    writeFileSync(path, JSON.stringify({ pid: other.pid, startTime, bootId }))
    expect(await impatient.lock(path)).toBeUndefined()
    const ended = new Promise((resolve) => other.on('exit', resolve))
    // Whoever asks while it dies waits for it to be gone.
    const asking = files.lock(path)
    other.kill('SIGKILL')
    await ended
    const lock = await asking
    expect(lock?.writesSurvived).toBe(true)
    // A second engine of this process.
    expect(await files.lock(path)).toBeUndefined()
    lock?.release()
    // The process id again, but another process.
    writeFileSync(path, JSON.stringify({ pid: process.pid, startTime: '1', bootId }))
    const reused = await files.lock(path)
    expect(reused).toBeDefined()
    reused?.release()
    // Another boot: whatever the number, that owner is gone, and so may be what it wrote.
    writeFileSync(path, JSON.stringify({ pid: process.pid, startTime, bootId: 'before' }))
    const afterBoot = await files.lock(path)
    expect(afterBoot?.writesSurvived).toBe(false)
    afterBoot?.release()
  })
})
