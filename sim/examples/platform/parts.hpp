// parts.hpp -- what is around the chip in the example platform: a memory, a bus, and a processor that runs a driver in C.
#ifndef ETCHSIM_EXAMPLE_PARTS_HPP
#define ETCHSIM_EXAMPLE_PARTS_HPP

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <tlm_utils/tlm_quantumkeeper.h>

// Bytes from offset 0 on; a burst takes the latency and then its bytes. Nothing beyond its end, no DMI.
struct Memory : sc_core::sc_module {
    tlm_utils::simple_target_socket<Memory> socket;
    std::vector<unsigned char> bytes;
    sc_core::sc_time latency;
    double ns_per_byte;

    Memory(sc_core::sc_module_name name, std::size_t size, sc_core::sc_time latency_, double bytes_per_ns)
        : sc_module(name), socket("socket"), bytes(size), latency(latency_), ns_per_byte(1 / bytes_per_ns)
    {
        socket.register_b_transport(this, &Memory::b_transport);
    }
    virtual void b_transport(tlm::tlm_generic_payload &p, sc_core::sc_time &delay)
    {
        if (p.get_address() > bytes.size() || p.get_data_length() > bytes.size() - p.get_address()) {
            p.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
            return;
        }
        unsigned char *at = bytes.data() + p.get_address();
        std::memcpy(p.is_read() ? p.get_data_ptr() : at, p.is_read() ? at : p.get_data_ptr(), p.get_data_length());
        delay += latency + sc_core::sc_time(p.get_data_length() * ns_per_byte, sc_core::SC_NS);
        p.set_response_status(tlm::TLM_OK_RESPONSE);
    }
};

// Two initiators, two targets; each target has a window of addresses and sees offsets in it. Both kinds of transport pass through, without time of its own.
struct Bus : sc_core::sc_module {
    enum { WAYS = 2 };
    tlm_utils::simple_target_socket_tagged<Bus> in[WAYS];
    tlm_utils::simple_initiator_socket_tagged<Bus> out[WAYS];
    std::uint64_t base[WAYS] = {}, size[WAYS] = {}; // of the targets' windows

    explicit Bus(sc_core::sc_module_name name) : sc_module(name)
    {
        for (int i = 0; i < WAYS; i++) {
            in[i].register_b_transport(this, &Bus::b_transport, i);
            in[i].register_nb_transport_fw(this, &Bus::nb_transport_fw, i);
            in[i].register_transport_dbg(this, &Bus::transport_dbg, i);
            out[i].register_nb_transport_bw(this, &Bus::nb_transport_bw, i);
        }
    }

  private:
    struct Way {
        int from, to;
        std::uint64_t address;
    };
    std::map<tlm::tlm_generic_payload *, Way> under_way;

    int find(tlm::tlm_generic_payload &p) const
    {
        for (int i = 0; i < WAYS; i++) {
            if (p.get_address() >= base[i] && p.get_address() - base[i] < size[i]) {
                return i;
            }
        }
        p.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
        return -1;
    }
    void b_transport(int, tlm::tlm_generic_payload &p, sc_core::sc_time &delay)
    {
        int to = find(p);
        std::uint64_t address = p.get_address();
        if (to >= 0) {
            p.set_address(address - base[to]);
            out[to]->b_transport(p, delay);
            p.set_address(address);
        }
    }
    unsigned transport_dbg(int, tlm::tlm_generic_payload &p)
    {
        int to = find(p);
        std::uint64_t address = p.get_address();
        if (to < 0) {
            return 0;
        }
        p.set_address(address - base[to]);
        unsigned n = out[to]->transport_dbg(p);
        p.set_address(address);
        return n;
    }
    tlm::tlm_sync_enum nb_transport_fw(int from, tlm::tlm_generic_payload &p, tlm::tlm_phase &phase, sc_core::sc_time &delay)
    {
        if (phase == tlm::BEGIN_REQ) {
            int to = find(p);
            if (to < 0) {
                return tlm::TLM_COMPLETED;
            }
            under_way[&p] = {from, to, p.get_address()};
            p.set_address(p.get_address() - base[to]);
        }
        Way way = under_way.at(&p);
        bool over = phase == tlm::END_RESP;
        tlm::tlm_sync_enum done = out[way.to]->nb_transport_fw(p, phase, delay);
        if (over || done == tlm::TLM_COMPLETED) {
            p.set_address(way.address);
            under_way.erase(&p);
        }
        return done;
    }
    tlm::tlm_sync_enum nb_transport_bw(int, tlm::tlm_generic_payload &p, tlm::tlm_phase &phase, sc_core::sc_time &delay)
    {
        return in[under_way.at(&p).from]->nb_transport_bw(p, phase, delay);
    }
};

// Runs program(this) in a thread; its accesses are loosely timed, up to the global quantum ahead.
struct Processor : sc_core::sc_module {
    tlm_utils::simple_initiator_socket<Processor> socket;
    sc_core::sc_in<bool> interrupt;

    Processor(sc_core::sc_module_name name, void (*program)(Processor *))
        : sc_module(name), socket("socket"), interrupt("interrupt"), program_(program)
    {
        SC_HAS_PROCESS(Processor);
        SC_THREAD(run);
    }
    std::uint32_t access(tlm::tlm_command command, std::uint64_t address, std::uint32_t word)
    {
        tlm::tlm_generic_payload p;
        sc_core::sc_time delay = keeper_.get_local_time();
        p.set_command(command);
        p.set_address(address);
        p.set_data_ptr(reinterpret_cast<unsigned char *>(&word));
        p.set_data_length(sizeof word);
        p.set_streaming_width(sizeof word);
        p.set_byte_enable_ptr(nullptr);
        p.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
        socket->b_transport(p, delay);
        keeper_.set(delay);
        if (keeper_.need_sync()) {
            keeper_.sync();
        }
        if (p.is_response_error()) {
            SC_REPORT_WARNING("processor", p.get_response_string().c_str());
        }
        return word;
    }
    void wait_for_interrupt()
    {
        keeper_.sync();
        if (!interrupt.read()) {
            wait(interrupt.posedge_event());
        }
    }

  private:
    void (*program_)(Processor *);
    tlm_utils::tlm_quantumkeeper keeper_;
    void run()
    {
        keeper_.reset();
        program_(this);
        sc_core::sc_stop();
    }
};

#endif
