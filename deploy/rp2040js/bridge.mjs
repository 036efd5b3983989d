// An RP2040 of rp2040js whose UART0, or USB serial port, is a TCP connection of this machine:
//
//     node bridge.mjs FIRMWARE.bin [uart|usb [PORT]]
//
// prints `listening on 127.0.0.1:PORT`, and ends with the connection.
// It starts an image as the RP2040's ROM does (datasheet, 2.8.1.3): the first 256 bytes are copied to SRAM and called if
// their checksum is right. It runs as fast as it can, and sleeps while the processor has nothing to do.
import fs from 'node:fs';
import net from 'node:net';
import { ConsoleLogger, LogLevel, RP2040 } from 'rp2040js';
import { Received, Uart, Usb } from './lines.mjs';
import { rom } from './rom.mjs';

const BOOT_BYTES = 256;
const BOOT_ADDRESS = 0x20041f00;
const STACK_ADDRESS = BOOT_ADDRESS;
const AIRCR = 0xd0c; // offset in the system control space
const SYSRESETREQ = 1 << 2;
const BATCH = 50000; // instructions between two looks at the connection
const FEED_EVERY = 64; // instructions between two looks at the time of the next byte

const LINES = { uart: Uart, usb: Usb };

const [file, kind = 'uart', port] = process.argv.slice(2);
const image = fs.readFileSync(file);

function fail(text) {
  console.error(`ERROR rp2040js: ${text}`);
  process.exit(1);
}

function checksum(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
    }
  }
  return crc >>> 0;
}

function checkImage() {
  if (image.length <= BOOT_BYTES) {
    fail(`${image.length} bytes are not an image`);
  }
  const stored = image.readUInt32LE(BOOT_BYTES - 4);
  const right = checksum(image.subarray(0, BOOT_BYTES - 4));
  if (stored !== right) {
    fail(`the boot block's checksum is ${stored.toString(16)}, not ${right.toString(16)}: the ROM would not start it`);
  }
}

let mcu, line, cycleNs;
let isResetWanted = false;
const received = new Received();
let sent = [];
let peer = null;
let isAsleep = false;

// The chip as after power-up, its flash written.
function start() {
  mcu = new RP2040();
  mcu.logger = new ConsoleLogger(LogLevel.Error, true);
  mcu.loadBootrom(rom());
  mcu.flash.set(image, 0);
  mcu.sram.set(image.subarray(0, BOOT_BYTES), BOOT_ADDRESS - 0x20000000);
  mcu.core.SP = STACK_ADDRESS;
  mcu.core.LR = 0;
  mcu.core.PC = BOOT_ADDRESS;
  cycleNs = 1e9 / mcu.clkSys;
  mcu.addClockListener((frequency) => { cycleNs = 1e9 / frequency; });
  line = new LINES[kind](mcu, received, (bytes) => sent.push(...bytes));
  const write = mcu.ppb.writeUint32.bind(mcu.ppb);
  mcu.ppb.writeUint32 = (offset, value) => {
    if (offset === AIRCR && value & SYSRESETREQ) {
      isResetWanted = true; // rp2040js has no reset
    } else {
      write(offset, value);
    }
  };
}

function flush() {
  if (sent.length) {
    peer.write(Buffer.from(sent));
    sent = [];
  }
}

function run() {
  const { core } = mcu;
  for (let i = 0; i < BATCH; i++) {
    if (core.waiting && core.checkForInterrupts()) {
      core.waiting = false; // one was pending already, which ends WFI; rp2040js only sees those that come later
    }
    if (i % FEED_EVERY === 0 || core.waiting) {
      line.feed();
      if (core.waiting && !line.rest()) {
        flush();
        isAsleep = true; // until something is received
        return;
      }
      if (core.waiting) {
        continue;
      }
    }
    mcu.clock.tick(core.executeInstruction() * cycleNs);
    if (isResetWanted) {
      isResetWanted = false;
      start();
      break;
    }
  }
  flush();
  setImmediate(run);
}

function serve(socket) {
  peer = socket.setNoDelay();
  peer.on('data', (bytes) => {
    received.push(bytes);
    if (isAsleep) {
      isAsleep = false;
      setImmediate(run);
    }
  });
  peer.on('close', () => process.exit(0));
  peer.on('error', () => process.exit(0));
  run();
}

process.on('uncaughtException', (e) => fail(`${e.message} at ${mcu ? mcu.core.PC.toString(16) : 'its start'}`));
checkImage();
start();
const server = net.createServer(serve);
server.maxConnections = 1;
server.listen(Number(port ?? 0), '127.0.0.1', () => {
  console.log(`listening on 127.0.0.1:${server.address().port}`);
});
