// chip.cpp -- what TLM-2.0 says, put into the words of etchsim/bus.h and back. The chip, its registers and its DMA are in C, in libetchsim.
#include <algorithm>
#include <cmath>
#include <cstring>

#define SC_INCLUDE_DYNAMIC_PROCESSES
#include "etchsim/chip.hpp"

namespace etchsim
{

using sc_core::sc_time;
using sc_core::sc_time_stamp;
using sc_core::SC_ZERO_TIME;

Chip::Chip(sc_core::sc_module_name name, const ChipOptions &options)
    : sc_module(name), target("target"), dma("dma"), interrupt("interrupt"), options_(options), line_changed_("line_changed")
{
    SC_HAS_PROCESS(Chip);
    etchsim_chip *chip = nullptr;
    etchsim_bus *bus = nullptr;
    int code = etchsim_open(&options_.chip, &chip);
    chip_.reset(chip);
    if (code == ETCHSIM_GOOD && etchsim_bus_open(chip, &bus) != ETCHSIM_GOOD) {
        SC_REPORT_ERROR("etchsim", "no memory for the chip's registers");
    } else if (code != ETCHSIM_GOOD) {
        SC_REPORT_ERROR("etchsim", etchsim_error());
    }
    bus_.reset(bus);
    if (options_.burst_bytes < 4 || (options_.burst_bytes & (options_.burst_bytes - 1))) {
        SC_REPORT_ERROR("etchsim", "burst_bytes: expected a power of two from 4 on");
    }
    struct etchsim_facts facts;
    etchsim_facts(chip, &facts);
    period_ps_ = 1e6 / facts.clock_mhz;
    access_time_ = sc_time(options_.access_cycles * period_ps_, sc_core::SC_PS);
    target.register_b_transport(this, &Chip::b_transport); // nb_transport becomes this one in the socket, with the base protocol's phases
    target.register_get_direct_mem_ptr(this, &Chip::get_direct_mem_ptr);
    target.register_transport_dbg(this, &Chip::transport_dbg);
    dma.register_nb_transport_bw(this, &Chip::nb_transport_bw);
    SC_THREAD(run);
    SC_THREAD(run_dma);
    SC_METHOD(set_line);
    sensitive << line_changed_;
}

Chip::~Chip() = default;

// -- time --

sc_time Chip::start_of(std::uint64_t cycle) const
{
    return sc_time(std::ceil(static_cast<double>(cycle) * period_ps_), sc_core::SC_PS);
}

std::uint64_t Chip::cycle_at(const sc_time &time) const
{
    double ps = time.to_seconds() * 1e12;
    auto cycle = static_cast<std::uint64_t>(ps / period_ps_);
    while (start_of(cycle) < time) { // a rounding or two
        cycle++;
    }
    return cycle;
}

sc_time Chip::ahead() const
{
    return options_.approximately_timed       ? SC_ZERO_TIME
           : options_.quantum != SC_ZERO_TIME ? options_.quantum
                                              : tlm::tlm_global_quantum::instance().get();
}

// The interrupt line changes then, if it does.
void Chip::show_line(const sc_time &when)
{
    bool line = etchsim_bus_interrupt(bus_.get());
    if (line != line_) {
        line_ = line;
        line_changed_.notify(std::max(when, sc_time_stamp()) - sc_time_stamp());
    }
}

// Clocks the chip up to a cycle; false: it waits in an earlier one until the DMA's thread has seen what is to be fetched.
bool Chip::advance(std::uint64_t until)
{
    int code = ETCHSIM_GOOD;
    while (!etchsim_bus_wants(bus_.get())) {
        if (code != ETCHSIM_GOOD || etchsim_now(chip_.get()) >= until) {
            return true;
        }
        code = etchsim_advance(chip_.get(), until);
        etchsim_bus_update(bus_.get(), code);
        show_line(start_of(etchsim_now(chip_.get())));
    }
    dma_wanted_.notify(SC_ZERO_TIME);
    return false;
}

void Chip::run()
{
    for (;;) {
        sc_time horizon = sc_time_stamp() + ahead();
        std::uint64_t until = cycle_at(horizon); // and the cycle that begins right then
        if (!advance(start_of(until) > horizon ? until : until + 1)) {
            wait(SC_ZERO_TIME);
            continue;
        }
        std::uint64_t next = etchsim_next(chip_.get());
        if (next == ETCHSIM_NEVER) {
            wait(kick_);
        } else {
            wait(std::max(start_of(next), sc_time_stamp()) - sc_time_stamp(), kick_);
        }
    }
}

void Chip::set_line()
{
    interrupt.write(etchsim_bus_interrupt(bus_.get()));
}

// -- registers --

static tlm::tlm_response_status response_of(int code)
{
    return code == ETCHSIM_BUS_GOOD      ? tlm::TLM_OK_RESPONSE
           : code == ETCHSIM_BUS_ADDRESS ? tlm::TLM_ADDRESS_ERROR_RESPONSE
                                         : tlm::TLM_COMMAND_ERROR_RESPONSE;
}

// What a payload must be like before any register is looked at.
static tlm::tlm_response_status check(const tlm::tlm_generic_payload &p)
{
    std::uint64_t address = p.get_address();
    unsigned n = p.get_data_length(), width = p.get_streaming_width();
    if (!p.is_read() && !p.is_write()) {
        return tlm::TLM_COMMAND_ERROR_RESPONSE;
    }
    if (p.get_byte_enable_ptr()) {
        return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
    }
    if (address % 4 != 0 || address >= ETCHSIM_BUS_BYTES) {
        return tlm::TLM_ADDRESS_ERROR_RESPONSE;
    }
    if (!p.get_data_ptr() || n == 0 || n % 4 != 0 || width == 0 || (width < n && width % 4 != 0) ||
        std::min(n, width) > ETCHSIM_BUS_BYTES - address) {
        return tlm::TLM_BURST_ERROR_RESPONSE;
    }
    return tlm::TLM_OK_RESPONSE;
}

// In host order: TLM's arrays are, for words that are as wide as the bus.
void Chip::b_transport(tlm::tlm_generic_payload &payload, sc_time &delay)
{
    tlm::tlm_response_status status = check(payload);
    unsigned char *data = payload.get_data_ptr();
    unsigned n = payload.get_data_length(), width = payload.get_streaming_width();
    payload.set_dmi_allowed(false);
    advance(cycle_at(sc_time_stamp() + delay)); // whoever is ahead of the chip finds it where it will be then
    for (unsigned i = 0; status == tlm::TLM_OK_RESPONSE && i < n; i += 4) {
        std::uint32_t word = 0;
        std::uint64_t offset = payload.get_address() + i % std::max(4u, width);
        if (payload.is_write()) {
            std::memcpy(&word, data + i, sizeof word);
            status = response_of(etchsim_bus_write(bus_.get(), offset, word));
        } else {
            status = response_of(etchsim_bus_read(bus_.get(), offset, &word));
            std::memcpy(data + i, &word, sizeof word);
        }
        delay += access_time_;
    }
    payload.set_response_status(status);
    show_line(sc_time_stamp() + delay);
    if (payload.is_write()) { // a command may have given the chip and its DMA something to do
        dma_wanted_.notify(SC_ZERO_TIME);
        kick_.notify(SC_ZERO_TIME);
    }
}

bool Chip::get_direct_mem_ptr(tlm::tlm_generic_payload &, tlm::tlm_dmi &dmi)
{
    dmi.init();
    return false; // registers are no memory
}

unsigned Chip::transport_dbg(tlm::tlm_generic_payload &payload)
{
    unsigned n = 0;
    if (payload.is_read() && check(payload) == tlm::TLM_OK_RESPONSE) {
        for (; n < payload.get_data_length(); n += 4) {
            std::uint32_t word = 0;
            if (etchsim_bus_peek(bus_.get(), payload.get_address() + n, &word) != ETCHSIM_BUS_GOOD) {
                break;
            }
            std::memcpy(payload.get_data_ptr() + n, &word, sizeof word);
        }
    }
    payload.set_response_status(n ? tlm::TLM_OK_RESPONSE : tlm::TLM_GENERIC_ERROR_RESPONSE);
    return n;
}

// -- DMA --

void Chip::run_dma()
{
    for (;;) {
        struct etchsim_dma want;
        if (!etchsim_bus_dma(bus_.get(), &want)) {
            wait(dma_wanted_);
            continue;
        }
        sc_time from = start_of(want.from), now = sc_time_stamp();
        sc_time delay = from > now ? from - now : SC_ZERO_TIME;
        fetched_.resize(want.bytes);
        bool good = fetch(want.address, fetched_.data(), want.bytes, delay);
        etchsim_bus_dma_done(bus_.get(), good ? fetched_.data() : nullptr, cycle_at(sc_time_stamp() + delay));
        show_line(sc_time_stamp() + delay);
        kick_.notify(SC_ZERO_TIME);
    }
}

bool Chip::fetch(std::uint64_t address, unsigned char *bytes, unsigned n, sc_time &delay)
{
    while (n > 0) { // bursts end where multiples of their size lie
        unsigned room = options_.burst_bytes - static_cast<unsigned>(address % options_.burst_bytes);
        unsigned part = std::min(n, room);
        if (delay > ahead()) { // as far ahead as the chip itself, so that what comes is not in its past
            wait(delay - ahead());
            delay = ahead();
        }
        if (!fetch_burst(address, bytes, part, delay)) {
            return false;
        }
        address += part;
        bytes += part;
        n -= part;
    }
    return true;
}

bool Chip::fetch_burst(std::uint64_t address, unsigned char *bytes, unsigned n, sc_time &delay)
{
    payload_.set_command(tlm::TLM_READ_COMMAND);
    payload_.set_address(address);
    payload_.set_data_ptr(bytes);
    payload_.set_data_length(n);
    payload_.set_streaming_width(n);
    payload_.set_byte_enable_ptr(nullptr);
    payload_.set_dmi_allowed(false);
    payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    if (!options_.approximately_timed) {
        dma->b_transport(payload_, delay);
        return payload_.is_response_ok();
    }
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_time wire = SC_ZERO_TIME;
    tlm::tlm_sync_enum done = dma->nb_transport_fw(payload_, phase, wire);
    if (done == tlm::TLM_COMPLETED) {
        wait(wire);
        return payload_.is_response_ok();
    }
    if (done == tlm::TLM_UPDATED && phase == tlm::BEGIN_RESP) {
        wait(wire);
    } else {
        wait(response_);
    }
    phase = tlm::END_RESP;
    wire = SC_ZERO_TIME;
    dma->nb_transport_fw(payload_, phase, wire);
    return payload_.is_response_ok();
}

tlm::tlm_sync_enum Chip::nb_transport_bw(tlm::tlm_generic_payload &, tlm::tlm_phase &phase, sc_time &delay)
{
    if (phase == tlm::BEGIN_RESP) {
        response_.notify(delay);
    }
    return tlm::TLM_ACCEPTED; // END_REQ changes nothing: there is one transaction at a time
}

} // namespace etchsim
