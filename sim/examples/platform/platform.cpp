// platform.cpp -- an example platform: a processor with a driver in C, a bus, a memory that holds two adapters, and the chip.
//
//   processor --.         .--> memory        at 0
//               +-- bus --+
//   chip.dma ---'         '--> chip.target   at CHIP_BASE       chip.interrupt --> processor
//
//   platform [at | quantum-ns N] [memory-ns N]      approximately timed, or loosely with a quantum (default 0); the memory's latency (default 20)
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <etchsim/chip.hpp>

#include "driver.h"
#include "parts.hpp"

namespace
{

constexpr std::uint64_t CHIP_BASE = 0x10000000, MEMORY_BYTES = 1 << 20, IMAGES_BASE = 0x1000;
constexpr const char *PROMPT = "On Monday", *ADAPTERS[2] = {"clinical", "contract"};
const char *const ONE_SLOT[] = {"slots.count=1"}; // so that every change of adapters is a swap

machine the_machine;
etchsim::Chip *the_chip;
int result = 1;

void program(Processor *processor)
{
    the_machine.processor = processor;
    result = driver_main(&the_machine);
}

void must(int code)
{
    if (code != ETCHSIM_GOOD) {
        std::fprintf(stderr, "platform: %s\n", etchsim_error());
        std::exit(EXIT_FAILURE);
    }
}

// What a host would have put into the memory.
void load_images(etchsim_chip *chip, Memory &memory)
{
    std::uint64_t at = IMAGES_BASE;
    for (int i = 0; i < 2; i++) {
        std::size_t n = 0;
        must(etchsim_adapter_image(chip, ADAPTERS[i], memory.bytes.data() + at, memory.bytes.size() - at, &n));
        the_machine.name[i] = ADAPTERS[i];
        the_machine.image_base[i] = at;
        at += (n + 4095) / 4096 * 4096;
    }
}

} // namespace

std::uint32_t machine_read(const machine *m, std::uint64_t address)
{
    return static_cast<Processor *>(m->processor)->access(tlm::TLM_READ_COMMAND, address, 0);
}

void machine_write(const machine *m, std::uint64_t address, std::uint32_t value)
{
    static_cast<Processor *>(m->processor)->access(tlm::TLM_WRITE_COMMAND, address, value);
}

void machine_wait_for_interrupt(const machine *m)
{
    static_cast<Processor *>(m->processor)->wait_for_interrupt();
}

void machine_print(const machine *, const std::int32_t *ids, std::size_t n)
{
    char text[4096];
    std::size_t length = 0;
    must(etchsim_decode(the_chip->model(), ids, n, text, sizeof text, &length));
    std::fputs(text, stdout);
}

int sc_main(int argc, char **argv)
{
    etchsim::ChipOptions options;
    double memory_ns = 20, quantum_ns = 0;
    for (int i = 1; i < argc; i++) {
        std::string word = argv[i];
        double number = i + 1 < argc ? std::atof(argv[i + 1]) : -1;
        if (word == "at") {
            options.approximately_timed = true;
        } else if ((word == "quantum-ns" || word == "memory-ns") && number >= 0) {
            (word == "memory-ns" ? memory_ns : quantum_ns) = number;
            i++;
        } else {
            std::fprintf(stderr, "platform: '%s': expected at, quantum-ns N or memory-ns N\n", argv[i]);
            return 2;
        }
    }
    tlm::tlm_global_quantum::instance().set(sc_core::sc_time(quantum_ns, sc_core::SC_NS));
    options.chip.set = ONE_SLOT;
    options.chip.n_set = 1;
    options.burst_bytes = 4096;

    etchsim::Chip chip("chip", options);
    Memory memory("memory", MEMORY_BYTES, sc_core::sc_time(memory_ns, sc_core::SC_NS), 64);
    Processor processor("processor", program);
    Bus bus("bus");
    sc_core::sc_signal<bool> interrupt("interrupt_line");
    processor.socket.bind(bus.in[0]);
    chip.dma.bind(bus.in[1]);
    bus.out[0].bind(memory.socket);
    bus.out[1].bind(chip.target);
    bus.base[1] = the_machine.chip_base = CHIP_BASE;
    bus.size[0] = MEMORY_BYTES;
    bus.size[1] = ETCHSIM_BUS_BYTES;
    chip.interrupt.bind(interrupt);
    processor.interrupt.bind(interrupt);

    std::int32_t prompt[64];
    the_chip = &chip;
    must(etchsim_encode(chip.model(), PROMPT, prompt, 64, &the_machine.n_prompt));
    the_machine.prompt = prompt;
    load_images(chip.model(), memory);
    sc_core::sc_report_handler::set_actions("/OSCI/SystemC", sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
    sc_core::sc_start();
    return result;
}
