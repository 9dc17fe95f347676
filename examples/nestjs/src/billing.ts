import 'reflect-metadata'
import { Controller, Inject, Module, type OnApplicationShutdown } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import {
  type ClientKafka,
  ClientsModule,
  EventPattern,
  type MicroserviceOptions,
  Payload,
  Transport,
} from '@nestjs/microservices'
import { lastValueFrom } from 'rxjs'

interface Order {
  readonly id: number
  readonly amount: number
}

@Controller()
class BillingController implements OnApplicationShutdown {
  constructor(@Inject('KAFKA') private readonly kafka: ClientKafka) {}

  /** An order becomes an invoice. */
  @EventPattern('orders')
  async bill(@Payload() order: Order) {
    const invoice = { order: order.id, total: order.amount * 1.19 }
    await lastValueFrom(this.kafka.emit('invoices', { key: String(order.id), value: invoice }))
  }

  async onApplicationShutdown() {
    await this.kafka.close()
  }
}

export async function startBilling(brokers: string[]) {
  const client = { clientId: 'billing', brokers }
  @Module({
    imports: [
      ClientsModule.register([
        { name: 'KAFKA', transport: Transport.KAFKA, options: { client, producerOnlyMode: true } },
      ]),
    ],
    controllers: [BillingController],
  })
  class BillingModule {}

  const app = await NestFactory.createMicroservice<MicroserviceOptions>(BillingModule, {
    logger: false,
    transport: Transport.KAFKA,
    options: {
      client,
      consumer: { groupId: 'billing', maxWaitTimeInMs: 200 },
      subscribe: { fromBeginning: true },
    },
  })
  await app.listen()
  return app
}
