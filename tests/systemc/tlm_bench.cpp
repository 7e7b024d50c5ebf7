#include "tests/systemc/tlm_bench.h"

#include <memory>
#include <string>

#define SC_INCLUDE_DYNAMIC_PROCESSES
#include <etchsim/chip.hpp>
#include <etchsim/systemc.h>

#include "sim/examples/platform/parts.hpp"

namespace
{

struct WaitingMemory : Memory {
    bool waits;
    WaitingMemory(const char *name, double ns, bool waits_)
        : Memory(name, MEMORY_BYTES, sc_core::sc_time(ns, sc_core::SC_NS), 64), waits(waits_)
    {
    }
    void b_transport(tlm::tlm_generic_payload &p, sc_core::sc_time &delay) override
    {
        Memory::b_transport(p, delay);
        if (waits) {
            sc_core::wait(delay);
            delay = sc_core::SC_ZERO_TIME;
        }
    }
};

struct Initiator : sc_core::sc_module {
    tlm_utils::simple_initiator_socket<Initiator> socket;
    bool over = false;
    explicit Initiator(sc_core::sc_module_name name) : sc_module(name), socket("socket")
    {
        socket.register_nb_transport_bw(this, &Initiator::nb_transport_bw);
    }
    tlm::tlm_sync_enum nb_transport_bw(tlm::tlm_generic_payload &, tlm::tlm_phase &phase, sc_core::sc_time &)
    {
        if (phase != tlm::BEGIN_RESP) {
            return tlm::TLM_ACCEPTED;
        }
        over = true;
        sc_core::sc_pause();
        return tlm::TLM_COMPLETED;
    }
};

} // namespace

struct tlm_bench {
    esc *simulation = nullptr;
    etchsim::ChipOptions options;
    std::unique_ptr<Initiator> initiator;
    std::unique_ptr<Bus> bus;
    std::unique_ptr<WaitingMemory> memory;
    std::unique_ptr<etchsim::Chip> chip;
    std::unique_ptr<sc_core::sc_signal<bool>> line;
    bool wanted = false; // the line's next rise ends a run
};

static const char *const ONE_SLOT[] = {"slots.count=1"};

tlm_bench *tlm_bench_open(const tlm_options *o)
{
    auto *b = new tlm_bench;
    esc_open(&b->simulation);
    b->options.chip.set = ONE_SLOT;
    b->options.chip.n_set = 1;
    b->options.chip.requests_max = 8;
    b->options.approximately_timed = o->approximately_timed;
    b->options.quantum = sc_core::sc_time(o->quantum_ns, sc_core::SC_NS);
    b->options.burst_bytes = o->burst_bytes ? o->burst_bytes : 4096;
    b->initiator = std::make_unique<Initiator>("initiator");
    b->bus = std::make_unique<Bus>("bus");
    b->memory = std::make_unique<WaitingMemory>("memory", o->memory_ns, o->waits);
    b->chip = std::make_unique<etchsim::Chip>("chip", b->options);
    b->line = std::make_unique<sc_core::sc_signal<bool>>("line");
    b->initiator->socket.bind(b->bus->in[0]);
    b->chip->dma.bind(b->bus->in[1]);
    b->bus->out[0].bind(b->memory->socket);
    b->bus->out[1].bind(b->chip->target);
    b->bus->size[0] = MEMORY_BYTES;
    b->bus->base[1] = CHIP_BASE;
    b->bus->size[1] = 0x1000; // more than there is, so that the chip sees what is wrong
    b->chip->interrupt.bind(*b->line);
    tlm_bench *bench = b;
    sc_core::sc_spawn_options watch;
    watch.spawn_method();
    watch.dont_initialize();
    watch.set_sensitivity(&b->line->posedge_event());
    sc_core::sc_spawn(
        [bench] {
            if (bench->wanted) {
                sc_core::sc_pause();
            }
        },
        "line_watch", &watch);
    return b;
}

void tlm_bench_close(tlm_bench *)
{
    // SystemC keeps what was made; so does whoever looks for leaks
}

etchsim_chip *tlm_bench_chip(tlm_bench *b)
{
    return b->chip->model();
}

uint8_t *tlm_bench_memory(tlm_bench *b)
{
    return b->memory->bytes.data();
}

bool tlm_bench_interrupt(const tlm_bench *b)
{
    return b->line->read();
}

double tlm_bench_ns(const tlm_bench *)
{
    return sc_core::sc_time_stamp().to_seconds() * 1e9;
}

static void fill(tlm::tlm_generic_payload &p, const access *a)
{
    p.set_command(a->command == access::ACCESS_READ    ? tlm::TLM_READ_COMMAND
                  : a->command == access::ACCESS_WRITE ? tlm::TLM_WRITE_COMMAND
                                                       : tlm::TLM_IGNORE_COMMAND);
    p.set_address(a->address);
    p.set_data_ptr(static_cast<unsigned char *>(a->data));
    p.set_data_length(a->bytes);
    p.set_streaming_width(a->streaming_width ? a->streaming_width : a->bytes);
    p.set_byte_enable_ptr(a->byte_enable);
    p.set_byte_enable_length(a->byte_enable_bytes);
    p.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
}

static const char *response(const tlm::tlm_generic_payload &p)
{
    static std::string words;
    words = p.get_response_string();
    return words.c_str();
}

const char *tlm_bench_b_transport(tlm_bench *b, access *a)
{
    tlm::tlm_generic_payload p;
    sc_core::sc_time delay(a->delay_ns, sc_core::SC_NS);
    fill(p, a);
    b->initiator->socket->b_transport(p, delay);
    a->delay_ns = delay.to_seconds() * 1e9;
    return response(p);
}

const char *tlm_bench_nb_transport(tlm_bench *b, access *a)
{
    tlm::tlm_generic_payload p;
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    double start = tlm_bench_ns(b);
    fill(p, a);
    b->initiator->over = false;
    tlm::tlm_sync_enum done = b->initiator->socket->nb_transport_fw(p, phase, delay);
    for (int i = 0; i < 1000 && done != tlm::TLM_COMPLETED && !b->initiator->over; i++) {
        sc_core::sc_start(1, sc_core::SC_US);
    }
    a->delay_ns = tlm_bench_ns(b) - start;
    return response(p);
}

unsigned tlm_bench_debug(tlm_bench *b, access *a)
{
    tlm::tlm_generic_payload p;
    fill(p, a);
    return b->initiator->socket->transport_dbg(p);
}

bool tlm_bench_dmi(tlm_bench *b, uint64_t address)
{
    tlm::tlm_generic_payload p;
    tlm::tlm_dmi dmi;
    p.set_read();
    p.set_address(address - CHIP_BASE);
    return b->bus->out[1]->get_direct_mem_ptr(p, dmi); // the bus of the example passes none on
}

void tlm_bench_run(tlm_bench *, double ns)
{
    sc_core::sc_start(ns, sc_core::SC_NS);
}

bool tlm_bench_run_to_interrupt(tlm_bench *b, double ns)
{
    b->wanted = true;
    if (!b->line->read()) {
        sc_core::sc_start(ns, sc_core::SC_NS);
    }
    b->wanted = false;
    return b->line->read();
}
