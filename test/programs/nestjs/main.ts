import { Inject, Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule, Transport, type ClientGrpc } from '@nestjs/microservices';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { firstValueFrom, type Observable } from 'rxjs';

interface CartService {
  get(request: { customer: string }): Observable<{ items?: string[] }>;
}

@Injectable()
class Orders implements OnModuleInit {
  private cart!: CartService;

  constructor(@Inject('CART') private readonly client: ClientGrpc) {}

  onModuleInit() {
    this.cart = this.client.getService<CartService>('Cart');
  }

  async checkOut(customer: string) {
    const { items } = await firstValueFrom(this.cart.get({ customer }));
    return items?.length ?? 0;
  }
}

@Module({
  imports: [
    ClientsModule.register([
      {
        name: 'CART',
        transport: Transport.GRPC,
        options: {
          package: 'shop',
          protoPath: join(__dirname, 'cart.proto'),
          url: process.env.CART_URL,
          channelOptions: {
            'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
          },
        },
      },
    ]),
  ],
  providers: [Orders],
})
class AppModule {}

async function main() {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  const orders = app.get(Orders);
  for (let order = 1; ; order++) {
    await orders.checkOut(`customer-${order % 7}`);
    await setTimeout(20);
  }
}

void main();
