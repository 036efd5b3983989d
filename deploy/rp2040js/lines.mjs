// The two lines of an RP2040 that the bridge can be at the other end of. Each has `feed`, which gives the chip a byte or
// a packet if it is due, and `rest`, which lets time pass while the processor sleeps and says whether it did.
import { USBCDC } from 'rp2040js';

const BITS_A_BYTE = 10;
const PACKET = 64;

// Bytes from the connection that were not given to the chip yet.
class Received {
  constructor() {
    this.buffers = [];
    this.at = 0; // in the first of them
  }

  push(bytes) {
    this.buffers.push(bytes);
  }

  get isEmpty() {
    return this.buffers.length === 0;
  }

  take(room) {
    const [first] = this.buffers;
    const part = first.subarray(this.at, this.at + room);
    this.at += part.length;
    if (this.at === first.length) {
      this.buffers.shift();
      this.at = 0;
    }
    return part;
  }
}

export class Uart {
  constructor(mcu, received, send) {
    this.mcu = mcu;
    this.received = received;
    this.uart = mcu.uart[0];
    this.uart.onByte = (byte) => send([byte]);
    this.dueNs = 0; // when the next byte is received, in the chip's time
  }

  // Give the UART the next byte if it is due at its rate. A full UART loses none: the line waits, as that of QEMU.
  feed() {
    const { mcu, uart, received } = this;
    if (received.isEmpty || !uart.enabled || !uart.rxEnabled || uart.rxFIFO.full) {
      return;
    }
    if (mcu.core.waiting) {
      mcu.clock.tick(Math.max(0, this.dueNs - mcu.clock.nanos)); // nothing else happens until then
    } else if (mcu.clock.nanos < this.dueNs) {
      return;
    }
    this.dueNs = mcu.clock.nanos + (BITS_A_BYTE * 1e9) / uart.baudRate;
    uart.feedByte(received.take(1)[0]);
  }

  rest() {
    return false;
  }
}

export class Usb {
  constructor(mcu, received, send) {
    this.mcu = mcu;
    this.received = received;
    this.room = 0; // bytes that the chip can take now
    this.cdc = new USBCDC(mcu.usbCtrl);
    this.cdc.onSerialData = send;
    const read = mcu.usbCtrl.onEndpointRead;
    mcu.usbCtrl.onEndpointRead = (endpoint, size) => {
      if (endpoint === this.cdc.outEndpoint) {
        this.room = Math.min(size, PACKET); // the emulator would send empty packets without end
      } else {
        read(endpoint, size);
      }
    };
  }

  feed() {
    if (this.room && !this.received.isEmpty) {
      const { room } = this;
      this.room = 0;
      this.mcu.usbCtrl.endpointReadDone(this.cdc.outEndpoint, this.received.take(room));
    }
  }

  rest() {
    const { clock } = this.mcu;
    const isDue = clock.nextAlarm !== null;
    if (isDue) {
      clock.tick(clock.nanosToNextAlarm);
    }
    return isDue;
  }
}

export { Received };
