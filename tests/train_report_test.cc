// What a user sees of a training run: lines, TensorBoard's files, samples, the report, the dry run.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "train/metrics.h"
#include "train_program.h"

namespace avocado {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::json_lines;
using test::ProgramResult;
using test::run_program;

class TrainReport : public test::TrainProgram {
 protected:
  // What a reader in another language finds in the event files: tag -> (step, value), in file
  // order.
  std::map<std::string, std::vector<std::pair<int64_t, double>>> events(const std::string& out) {
    const std::string command = std::string(AVOCADO_READ_EVENTS) + " " +
                                folder_.file(out + "/tensorboard") + " > " +
                                folder_.file("events.jsonl");
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::map<std::string, std::vector<std::pair<int64_t, double>>> found;
    for (const json& event : json_lines(read_text_file(folder_.file("events.jsonl"))))
      found[event["tag"]].emplace_back(event["step"], event["value"]);
    return found;
  }
  std::vector<json> log(const std::string& out, const std::string& kind) {
    std::vector<json> records = json_lines(read_text_file(folder_.file(out + "/metrics.jsonl")));
    std::erase_if(records, [&](const json& record) { return record["kind"] != kind; });
    return records;
  }
  // The numbers in the page, as its script reads them.
  json page(const std::string& path) {
    const std::string html = read_text_file(path), mark = "type=\"application/json\" id=\"run\">";
    const size_t begin = html.find(mark) + mark.size();
    return json::parse(html.substr(begin, html.find("</script>", begin) - begin));
  }
};

TEST_F(TrainReport, JsonLinesTellEveryStepAndEvent) {
  const ProgramResult result =
      run_program({"train", folder_.file("run.toml"), "--threads", "1", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 3) << result.err;  // the data
  const std::vector<json> lines = json_lines(result.out);
  std::map<std::string, int> kinds;
  for (const json& line : lines) ++kinds[line["event"]];
  EXPECT_EQ(
      kinds,
      (std::map<std::string, int>{
          {"memory", 1}, {"start", 1}, {"step", 60}, {"eval", 3}, {"checkpoint", 12}, {"end", 1}}));
  EXPECT_EQ(lines[0]["event"], "memory");
  EXPECT_EQ(lines[1]["event"], "start");
  EXPECT_EQ(lines.back()["finished"], true);
  const std::vector<json> steps = log("run", "step");
  size_t i = 0;
  double smoothed = 0, weight = 0;
  for (const json& line : lines) {
    if (line["event"] != "step") continue;
    EXPECT_EQ(line["loss"], steps[i]["loss"]);
    smoothed = 0.98 * smoothed + 0.02 * steps[i]["loss"].get<double>();
    weight = 0.98 * weight + 0.02;
    EXPECT_NEAR(line["smoothed"].get<double>(), smoothed / weight, 1e-9);
    ++i;
  }
}

TEST_F(TrainReport, ProgressIsOneLineOnATerminalAndPlainLinesElsewhere) {
  const ProgramResult plain = train("plain");
  ASSERT_EQ(plain.code, 0) << plain.err;
  EXPECT_EQ(plain.err.find('\r'), std::string::npos);
  for (const char* part : {"step 60/60  loss ", "tok/s  ", " left  smoothed ", "  grad ", "  lr "})
    EXPECT_NE(plain.err.find(part), std::string::npos) << part << " in " << plain.err;

  test::TerminalProgram terminal(train_command("terminal"), folder_.path().string());
  const std::string shown = terminal.read_until("step 60/60");
  EXPECT_NE(shown.find("\r\033[Kstep  1/60"), std::string::npos) << shown;
  EXPECT_EQ(terminal.finish(), 0);
}

TEST_F(TrainReport, EventFilesHoldEveryStepOnceHoweverOftenTheRunIsKilled) {
  const auto steps_logged = [&](int64_t wanted) {
    return [this, wanted] {
      const std::string path = folder_.file("run/metrics.jsonl");
      if (!fs::exists(path)) return false;
      return read_text_file(path).find(fmt::format("\"step\":{},", wanted)) != std::string::npos;
    };
  };
  change_recipe("steps = 60", "steps = 200");
  // Between checkpoints, so that steps are made again, and in the middle of whatever happens.
  for (const int64_t step : {8, 23, 84})
    ASSERT_EQ(signalled("run", SIGKILL, std::chrono::seconds(20), steps_logged(step)),
              128 + SIGKILL);
  ASSERT_EQ(train("run").code, 0);
  auto found = events("run");
  const std::vector<json> steps = log("run", "step"), evals = log("run", "eval");
  ASSERT_EQ(steps.size(), 200u);
  for (const auto& [tag, field] :
       {std::pair{"loss/train", "loss"}, {"grad_norm", "grad_norm"}, {"lr", "lr"}}) {
    ASSERT_EQ(found[tag].size(), steps.size()) << tag;
    for (size_t i = 0; i < steps.size(); ++i) {
      EXPECT_EQ(found[tag][i].first, static_cast<int64_t>(i) + 1) << tag;
      EXPECT_EQ(found[tag][i].second, steps[i][field].get<float>()) << tag;
    }
  }
  ASSERT_EQ(found["loss/smoothed"].size(), steps.size());
  EXPECT_EQ(found["tokens_per_s"].size(), steps.size());
  ASSERT_EQ(found["loss/eval"].size(), evals.size());
  for (size_t i = 0; i < evals.size(); ++i) {
    EXPECT_EQ(found["loss/eval"][i].first, evals[i]["step"]);
    EXPECT_EQ(found["loss/eval"][i].second, evals[i]["loss"].get<float>());
  }
  // The smoothed loss goes on where it was, too.
  ASSERT_EQ(train("whole").code, 0);
  EXPECT_EQ(found["loss/smoothed"], events("whole")["loss/smoothed"]);
}

TEST_F(TrainReport, RewardsOfPairsAreDrawn) {
  std::ofstream pairs(folder_.file("pairs.jsonl"));
  for (int i = 0; i < 20; ++i)
    pairs << json{{"prompt", "a "}, {"chosen", "ripe tree"}, {"rejected", "green hill"}} << "\n";
  pairs.close();
  std::ofstream(folder_.file("run.toml"))
      << test::kTinyModelTables
      << "[data]\ntrain = [\"pairs.jsonl\"]\n[train]\nsteps = 10\nloss = \"simpo\"\n";
  const ProgramResult result = train("run");
  ASSERT_EQ(result.code, 0) << result.err;
  ASSERT_EQ(run_program({"report", folder_.file("run")}).code, 0);
  const json series = page(folder_.file("run/report.html"))["series"];
  EXPECT_FALSE(series.contains("pairs"));
  auto found = events("run");
  const std::vector<json> steps = log("run", "step");
  ASSERT_EQ(steps.size(), 10u);
  for (const auto& [tag, field] : {std::pair{"rewards/accuracies", "accuracy"},
                                   {"rewards/chosen", "chosen_reward"},
                                   {"rewards/rejected", "rejected_reward"}}) {
    ASSERT_EQ(found[tag].size(), steps.size()) << tag;
    for (size_t i = 0; i < steps.size(); ++i) {
      EXPECT_EQ(found[tag][i].second, steps[i][field].get<float>()) << tag;
      EXPECT_EQ(series[field]["y"][i], steps[i][field]) << field;
    }
  }
  EXPECT_EQ(found["rewards/margins"].size(), steps.size());
}

TEST_F(TrainReport, SamplesAreWhatRunSaysWithTheSameWeights) {
  for (const char* temperature : {"0", "0.9"}) {
    change_recipe("rows = 2", fmt::format("rows = 2\nseed = 7\nsamples = [\"a ripe \", \"the\"]\n"
                                          "sample_every = 25\nsample_tokens = 9\n"
                                          "sample_temperature = {}",
                                          temperature));
    const std::string out = std::string("run") + temperature;
    ASSERT_EQ(train(out).code, 0);
    const std::vector<json> samples =
        json_lines(read_text_file(folder_.file(out + "/samples.jsonl")));
    std::vector<std::pair<int64_t, std::string>> made;
    for (const json& sample : samples) made.emplace_back(sample["step"], sample["prompt"]);
    EXPECT_EQ(made, (std::vector<std::pair<int64_t, std::string>>{{25, "a ripe "},
                                                                  {25, "the"},
                                                                  {50, "a ripe "},
                                                                  {50, "the"},
                                                                  {60, "a ripe "},
                                                                  {60, "the"}}));
    for (size_t i = 4; i < 6; ++i) {
      const ProgramResult run =
          run_program({"run", folder_.file(out + "/final.gguf"), samples[i]["prompt"], "--raw",
                       "-n", "9", "--temp", temperature, "--seed", "7", "--json"});
      ASSERT_EQ(run.code, 0) << run.err;
      EXPECT_EQ(json::parse(run.out)["text"], samples[i]["text"]) << samples[i];
    }
  }
}

TEST_F(TrainReport, SamplesChangeNothingAndAreNotRepeatedAfterAKill) {
  ASSERT_EQ(train("whole").code, 0);
  change_recipe("rows = 2", "rows = 2\nsamples = [\"a\"]\nsample_every = 6\nsample_tokens = 4");
  ASSERT_EQ(train("sampled").code, 0);
  EXPECT_EQ(final_digest("sampled"), final_digest("whole"));
  const std::string whole = read_text_file(folder_.file("sampled/samples.jsonl"));
  const std::string path = folder_.file("run/samples.jsonl");
  ASSERT_EQ(
      signalled("run", SIGKILL, std::chrono::seconds(20),
                [&] { return fs::exists(path) && json_lines(read_text_file(path)).size() >= 2; }),
      128 + SIGKILL);
  ASSERT_EQ(train("run").code, 0);
  EXPECT_EQ(read_text_file(path), whole);
}

TEST_F(TrainReport, PageOfAStoppedAndOfAFinishedRun) {
  change_recipe("steps = 60\nrows = 2",
                "steps = 200\nrows = 2\nsamples = [\"</script><b>\"]\nsample_every = 10");
  const std::string log_path = folder_.file("run/metrics.jsonl");
  ASSERT_EQ(signalled("run", SIGINT, std::chrono::seconds(20),
                      [&] {
                        return fs::exists(log_path) &&
                               read_text_file(log_path).find("\"eval\"") != std::string::npos;
                      }),
            130);
  ASSERT_EQ(run_program({"report", folder_.file("run")}).code, 0);
  const json stopped = page(folder_.file("run/report.html"));
  EXPECT_EQ(stopped["state"], "stopped");
  EXPECT_GE(stopped["steps_done"], 20);
  EXPECT_LT(stopped["steps_done"], 200);

  ASSERT_EQ(train("run").code, 0);
  const std::string out = folder_.file("page.html");
  ASSERT_EQ(run_program({"report", folder_.file("run") + "/", "-o", out}).code, 0);
  const json finished = page(out);
  EXPECT_EQ(finished["state"], "finished");
  EXPECT_EQ(finished["name"], "run");
  EXPECT_EQ(finished["problem"], "");
  EXPECT_EQ(finished["final"]["sha256"], final_digest("run"));
  EXPECT_EQ(finished["sessions"].size(), 2u);
  const std::vector<json> steps = log("run", "step");
  ASSERT_EQ(finished["series"]["loss"]["x"].size(), steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(finished["series"]["loss"]["y"][i], steps[i]["loss"]);
    EXPECT_EQ(finished["series"]["tokens_per_s"]["y"][i], steps[i]["tokens_per_s"]);
  }
  EXPECT_EQ(finished["eval"]["x"].size(), 10u);
  EXPECT_EQ(finished["chain"], steps.back()["chain"]);

  // Nothing from a file is markup, and nothing is fetched.
  const std::string html = read_text_file(out);
  EXPECT_EQ(finished["samples"][0]["prompt"], "</script><b>");
  EXPECT_EQ(html.find("<b>"), std::string::npos);
  EXPECT_EQ(html.find("innerHTML"), std::string::npos);
  for (size_t at = 0; (at = html.find("http", at)) != std::string::npos; at += 4)
    EXPECT_TRUE(html.substr(at).starts_with("http-equiv") ||
                html.substr(at).starts_with("http://www.w3.org/2000/svg"))
        << html.substr(at, 40);
}

TEST_F(TrainReport, PageOfARunningRunAndOfADamagedLog) {
  ASSERT_EQ(train("run").code, 0);
  const std::string path = folder_.file("run/metrics.jsonl");
  {
    const MetricsLog held(path);  // as a process that trains
    std::ofstream(path, std::ios::app) << "{\"kind\":\"ev";
    ASSERT_EQ(run_program({"report", folder_.file("run")}).code, 0);
  }
  const json running = page(folder_.file("run/report.html"));
  EXPECT_EQ(running["state"], "running");
  EXPECT_EQ(running["problem"], "");  // a line that is being written
  std::string text = read_text_file(path);
  const size_t at = text.find("\"loss\":", text.find("\"step\":30,"));
  text[at + 7] = text[at + 7] == '1' ? '2' : '1';
  std::ofstream(path) << text;
  ASSERT_EQ(run_program({"report", folder_.file("run")}).code, 0);
  const json damaged = page(folder_.file("run/report.html"));
  EXPECT_EQ(damaged["steps_done"], 29);
  EXPECT_NE(damaged["problem"].get<std::string>().find("step 30"), std::string::npos);
  const ProgramResult none = run_program({"report", folder_.file("none")});
  EXPECT_EQ(none.code, 1);
  EXPECT_NE(none.err.find("is not the folder of a run"), std::string::npos) << none.err;
}

TEST_F(TrainReport, DryRunTellsWhatComesAndLeavesNothing) {
  const long before = folder_.entries();
  const std::vector<std::string> command = {"train", folder_.file("run.toml"), "--dry-run",
                                            "--threads", "1"};
  const ProgramResult text = run_program(command);
  ASSERT_EQ(text.code, 0) << text.err;
  for (const char* row : {"model ", "data ", "memory ", "speed ", "time ", "disk "})
    EXPECT_NE(text.out.find(row), std::string::npos) << row << " in " << text.out;
  std::vector<std::string> with_json = command;
  with_json.push_back("--json");
  const ProgramResult result = run_program(with_json);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(folder_.entries(), before);

  ASSERT_EQ(train("run").code, 0);
  const json told = json::parse(result.out);
  const std::vector<json> steps = log("run", "step");
  EXPECT_EQ(told["first_loss"], steps[0]["loss"]);
  EXPECT_EQ(told["second_loss"], steps[1]["loss"]);
  // But for the digits of the step in it.
  EXPECT_NEAR(told["checkpoint_bytes"].get<double>(),
              static_cast<double>(fs::file_size(newest_checkpoint("run"))), 64);
  EXPECT_GT(told["memory_bytes"], 0);
  EXPECT_GT(told["seconds"], 0);
  double bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_.file("run")))
    if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
  // One more checkpoint than stays, and none of the log.
  EXPECT_NEAR(told["disk_bytes"].get<double>(), bytes,
              1.1 * told["checkpoint_bytes"].get<double>());
}

TEST_F(TrainReport, DryRunFailsAsTrainingWould) {
  const std::string out = folder_.file("run");
  const auto dry = [&] {
    return run_program({"train", folder_.file("run.toml"), "--out", out, "--dry-run"});
  };
  const auto expect = [](const ProgramResult& result, const std::string& message) {
    EXPECT_EQ(result.code, 1);
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  };
  change_recipe("train.txt", "there.txt");
  expect(dry(), "there.txt");
  change_recipe("layers = 2\nheads = 2\nkv_heads = 1\nffn = 64",
                "layers = 400\nheads = 2\nkv_heads = 1\nffn = 1048576");
  expect(dry(), "do not fit into");
  change_recipe("rows = 2", "rows = 2\nsamples = [\"" + std::string(400, 'x') + "\"]");
  expect(dry(), "leaves no room in the context");
  fs::create_directory(out);
  std::ofstream(out + "/letter.txt") << "mine";
  change_recipe("rows = 2", "rows = 2");
  expect(dry(), "is not the folder of a run, but holds letter.txt");
}

}  // namespace
}  // namespace avocado
