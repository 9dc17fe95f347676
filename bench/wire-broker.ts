import { startBroker } from '../src/index.ts'

/** The broker that wire.ts measures: says its port, then how much CPU it has used when asked. */
const [dataDir] = process.argv.slice(2)
const broker = await startBroker({
  topics: ['bench:8'],
  settings: { 'log.retention.bytes': 400_000_000, 'log.segment.bytes': 200_000_000 },
  ...(dataDir && { dataDir }),
})
process.send!({ port: broker.port })
process.on('message', () => {
  process.send!({ cpu: process.cpuUsage(), rssBytes: process.memoryUsage.rss() })
})
process.on('disconnect', () => void broker.stop().then(() => process.exit(0)))
