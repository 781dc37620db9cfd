// The options of 'medius client', 'plan', 'machine' and 'faults'.
#include "client/main_people.hpp"

#include "client/commands_people.hpp"

namespace medius::client {
namespace {

using ClientCommand = int (*)(const CommonOptions&, const ClientOptions&);
using PlanCommand = int (*)(const CommonOptions&, const PlanOptions&);

template <typename Options>
CLI::App* add(CLI::App* group, const PeopleArguments& people,
              const std::shared_ptr<Options>& options, const char* name, const char* what,
              int (*run)(const CommonOptions&, const Options&)) {
  CLI::App* command = group->add_subcommand(name, what);
  command->callback([common = people.common, code = people.code, options, run] {
    *code = run(*common, *options);
  });
  return command;
}

void add_person(CLI::App* command, ClientOptions& o) {
  command->add_option("--goal", o.goal, "what the training is for")
      ->check(CLI::IsMember({"strength", "endurance", "hypertrophy", "compound", "activation"}));
  command->add_option("--notes", o.notes, "for whoever trains with them; no name belongs here");
  command->add_option("--birth-year", o.birth_year)->check(CLI::Range(1900, 2100));
  command->add_option("--sex", o.sex)->check(CLI::IsMember({"female", "male", "other"}));
  command->add_option("--body-mass", o.body_mass_kg, "kg");
  command->add_option("--height", o.height_m, "m");
  command->add_option("--leg-length", o.leg_length_m, "m");
  command->add_option("--affected-side", o.affected_side)
      ->check(CLI::IsMember({"left", "right", "both"}));
  command->add_flag("--therapy,!--no-therapy", o.therapy,
                    "changes of a plan are proposed and wait for a therapist");
  command->add_option("--cap", o.caps,
                      "load that is not exceeded, e.g. 60N or seated-abduction=40Nm; again for "
                      "more; only a therapist raises it");
}

void add_clients(CLI::App& app, const PeopleArguments& people) {
  const auto o = std::make_shared<ClientOptions>();
  CLI::App* group = app.add_subcommand("client", "the people who train, under pseudonyms");
  group->require_subcommand(1);
  group->fallthrough();
  CLI::App* command = add(group, people, o, "add", "somebody new", client_add);
  command->add_option("id", o->id, "a pseudonym, e.g. k7-blue; chosen when left out");
  add_person(command, *o);
  add(group, people, o, "list", "who there is", client_list);
  const auto with_id = [&](const char* name, const char* what, ClientCommand run) {
    CLI::App* made = add(group, people, o, name, what, run);
    made->add_option("id", o->id, "of the client")->required();
    return made;
  };
  with_id("show", "what is known of somebody", client_show);
  command = with_id("set", "change what is known; what is left out stays", client_set);
  add_person(command, *o);
  command->add_flag("--no-caps", o->no_caps, "no limits any more (a therapist)");
  with_id("tests", "test results, oldest first", client_tests);
  command = with_id("export", "everything of one person as JSON", client_export);
  command->add_option("--output", o->output, "file; standard output when left out");
  with_id("delete", "somebody without sessions and plans", client_delete);
  command = with_id("erase", "take everything of one person out, samples included", client_erase);
  command->add_flag("--yes", o->yes, "do not ask");
}

void add_plans(CLI::App& app, const PeopleArguments& people) {
  const auto o = std::make_shared<PlanOptions>();
  CLI::App* group = app.add_subcommand("plan", "programs of weeks, carried out by somebody");
  group->require_subcommand(1);
  group->fallthrough();
  CLI::App* command = add(group, people, o, "new", "begin a plan", plan_new);
  command->add_option("client", o->client)->required();
  command->add_option("program", o->program,
                      "of several weeks; the first for the client's goal when left out");
  command->add_option("--weeks", o->weeks, "as the program says when left out")
      ->check(CLI::Range(1, 52));
  command->add_option("--days", o->days, "a week")->check(CLI::Range(1, 7));
  for (const auto& [name, what, run] :
       {std::tuple{"list", "all plans", &plan_list},
        std::tuple{"due", "what comes next in every plan: sessions and tests", &plan_due}}) {
    add(group, people, o, name, what, run)->add_option("--client", o->client, "of one client");
  }
  const auto with_plan = [&](const char* name, const char* what, PlanCommand run) {
    CLI::App* made = add(group, people, o, name, what, run);
    made->add_option("plan", o->plan, "its id; see 'plan list'")->required();
    return made;
  };
  with_plan("show", "prescriptions, and what each day decided and why", plan_show);
  with_plan("next", "the next session and the tests that are due", plan_next);
  const auto with_change = [&](CLI::App* made) {
    made->add_option("exercise", o->exercise)->required();
    made->add_option("--load", o->load, "N, or Nm of one arm")->check(CLI::NonNegativeNumber);
    made->add_option("--reps", o->reps)->check(CLI::Range(1, 100));
    made->add_option("--reason", o->reason, "kept with the change");
    return made;
  };
  with_change(with_plan("set", "prescribe by hand from the next session on", plan_set));
  command = with_change(
      with_plan("decide", "a therapist's word on what progression has proposed", plan_decide));
  CLI::Option_group* word = command->add_option_group("word");
  word->add_flag("--accept", o->accept, "as proposed, or with --load and --reps");
  word->add_flag("--decline", o->decline, "leave it as it is");
  word->require_option(1);
  command = with_plan("import", "earlier loads from a CSV file: all rows or none", plan_import);
  command
      ->add_option("file", o->file,
                   "columns date, exercise, side, load_n or load_nm (or load [N], load [Nm]), reps")
      ->required();
  command =
      add(group, people, o, "progress",
          "tests, symmetry and loads over the weeks, each change with its error", plan_progress);
  command->add_option("client", o->client)->required();
  command->add_option("--svg", o->file, "also draw it into this file");
  with_plan("delete", "forget a plan; its sessions stay", plan_delete);
}

}  // namespace

void add_people_commands(CLI::App& app, const PeopleArguments& people) {
  add_clients(app, people);
  add_plans(app, people);
  app.add_subcommand("machine", "what the station's machine can do, and its limits")
      ->callback([people] { *people.code = machine(*people.common); });
  const auto kinds = std::make_shared<bool>(false);
  CLI::App* list = app.add_subcommand("faults", "faults that have ended sets");
  list->add_flag("--kinds", *kinds, "every fault that there can be, and what to do about it");
  list->callback([people, kinds] { *people.code = faults(*people.common, *kinds); });
}

}  // namespace medius::client
