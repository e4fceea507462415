"""`shelfwatch latency`: what a frame costs on this device, in time, memory and energy."""
