#include "controller/api/records_services.hpp"

namespace medius::api {
namespace {

struct Page {
  std::size_t size = 50;
  std::string after;  // key of the last entry of the page before; empty = from the start
};

Shape<Page> page_of(std::int32_t page_size, const std::string& page_token) {
  if (page_size < 0) return tl::unexpected(std::string("page_size is negative; use 0 for 50"));
  const auto size = bounded("page_size", static_cast<std::uint32_t>(page_size), 1, 100, 50);
  if (!size) return tl::unexpected(size.error());
  if (page_token.size() > kMaxName) {
    return tl::unexpected(
        std::string("page_token is not one of ours; give next_page_token back as it came"));
  }
  return Page{*size, page_token};
}

// One page of a sorted map, by key.
template <typename Map, typename Add>
std::string fill_page(const Map& map, const Page& page, Add add) {
  auto it = page.after.empty() ? map.begin() : map.upper_bound(page.after);
  std::string last;
  for (std::size_t n = 0; n < page.size && it != map.end(); ++n, ++it) {
    add(it->second);
    last = it->first;
  }
  return it == map.end() ? std::string() : last;
}

}  // namespace

grpc::Status ProgramService::GetProgram(grpc::ServerContext* call,
                                        const v1::GetProgramRequest* request,
                                        v1::Program* response) {
  const auto id = id_from_pb("programs", request->name());
  if (!id) return invalid(id.error());
  const Gate::Place place(context_.unary);
  if (!place) return too_many("orders and queries", context_.unary);
  using Found = std::optional<v1::Program>;
  const auto found = on_control<Found>(context_.parts.runtime, ApiContext::wait_until(*call),
                                       context_.give_up(*call),
                                       [&station = context_.parts.station, id = *id]() -> Found {
                                         const auto& programs = station.programs().programs;
                                         const auto it = programs.find(id);
                                         if (it == programs.end()) return std::nullopt;
                                         v1::Program program;
                                         program_to_pb(it->second, &program);
                                         return program;
                                       });
  if (!found) return no_answer(context_);
  if (!*found) {
    return {grpc::StatusCode::NOT_FOUND,
            "program '" + *id + "' is not here; ListPrograms names what there is"};
  }
  *response = **found;
  return grpc::Status::OK;
}

grpc::Status ProgramService::ListPrograms(grpc::ServerContext* call,
                                          const v1::ListProgramsRequest* request,
                                          v1::ListProgramsResponse* response) {
  const auto page = page_of(request->page_size(), request->page_token());
  if (!page) return invalid(page.error());
  const Gate::Place place(context_.unary);
  if (!place) return too_many("orders and queries", context_.unary);
  auto listed = on_control<v1::ListProgramsResponse>(
      context_.parts.runtime, ApiContext::wait_until(*call), context_.give_up(*call),
      [&station = context_.parts.station, page = *page] {
        v1::ListProgramsResponse out;
        const auto& library = station.programs();
        out.set_next_page_token(fill_page(
            library.programs, page,
            [&](const station::Program& program) { program_to_pb(program, out.add_programs()); }));
        for (const auto& error : library.errors) out.add_errors(error.message);
        return out;
      });
  if (!listed) return no_answer(context_);
  response->Swap(&*listed);
  return grpc::Status::OK;
}

grpc::Status ProgramService::ListProfiles(grpc::ServerContext* call,
                                          const v1::ListProfilesRequest* request,
                                          v1::ListProfilesResponse* response) {
  const auto page = page_of(request->page_size(), request->page_token());
  if (!page) return invalid(page.error());
  const Gate::Place place(context_.unary);
  if (!place) return too_many("orders and queries", context_.unary);
  auto listed = on_control<v1::ListProfilesResponse>(
      context_.parts.runtime, ApiContext::wait_until(*call), context_.give_up(*call),
      [&plugins = context_.parts.plugins, page = *page] {
        v1::ListProfilesResponse out;
        out.set_next_page_token(
            fill_page(plugins.profiles(), page, [&](const station::ProfileInfo& profile) {
              profile_to_pb(profile, out.add_profiles());
            }));
        return out;
      });
  if (!listed) return no_answer(context_);
  response->Swap(&*listed);
  return grpc::Status::OK;
}

}  // namespace medius::api
