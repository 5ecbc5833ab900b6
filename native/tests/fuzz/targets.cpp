#include "targets.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "../core/gguf_builder.h"
#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/json_parse.h"
#include "core/base/json_reader.h"
#include "core/formats/events.h"
#include "core/formats/gguf.h"
#include "core/formats/gguf_dequantize.h"
#include "core/formats/safetensors.h"
#include "core/formats/token_store.h"
#include "core/model/gguf_config.h"
#include "core/model/model_config.h"
#include "core/recipe/run_spec.h"
#include "step_lines_target.h"

namespace collie::fuzz {

namespace {

namespace fs = std::filesystem;

// Longer than any message for people, shorter than a file that is quoted whole.
constexpr size_t kMostMessage = 20'000;

std::string outcome(const std::function<void()>& work) {
  try {
    work();
    return "read";
  } catch (const Error& error) {
    const std::string text = error.to_json().dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (error.code() == "internal" || text.size() > kMostMessage) {
      std::fprintf(stderr, "not an error for people (%zu bytes): %.300s\n", text.size(), text.c_str());
      std::abort();
    }
    return error.code();
  }
}

// A file in memory, under a path.
class MemoryFile {
 public:
  explicit MemoryFile(Bytes bytes) : descriptor_(::memfd_create("fuzz", 0)) {
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t written = ::write(descriptor_, bytes.data() + at, bytes.size() - at);
      if (written <= 0) std::abort();
      at += static_cast<size_t>(written);
    }
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  fs::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

// A folder of this process, emptied before each use.
fs::path fresh_folder() {
  static const fs::path folder = fs::temp_directory_path() / ("collie-fuzz-" + std::to_string(::getpid()));
  static const bool registered = std::atexit([] {
                                   std::error_code ignored;
                                   fs::remove_all(folder, ignored);
                                 }) == 0;
  (void)registered;
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

void write_bytes(const fs::path& path, Bytes bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size()) std::abort();
  std::fclose(file);
}

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// Touches every byte that a view says it has: one outside the file is found by the sanitizer or the system.
void touch(Bytes bytes) {
  const volatile uint32_t sum = crc32c(bytes);
  (void)sum;
}

std::string read_json(Bytes bytes) {
  return outcome([&] {
    const ParsedJson parsed = parse_json(text_of(bytes));
    if (!parsed.problem.empty()) throw Error("spec.invalid", parsed.problem);
    const nlohmann::json copy = parsed.value;  // copies, prints and compares by recursion
    if (copy.dump().empty() || copy != parsed.value) std::abort();
    JsonReader(copy).finish();
  });
}

std::string read_spec(Bytes bytes) {
  return outcome([&] {
    const MemoryFile file(bytes);
    RunSpec::parse(read_json_file(file.path()));
  });
}

std::string read_config(Bytes bytes) {
  return outcome([&] {
    const fs::path folder = fresh_folder();
    write_bytes(folder / "config.json", bytes);
    parameter_count(ModelConfig::load(folder));
  });
}

std::string read_safetensors(Bytes bytes) {
  return outcome([&] {
    const MemoryFile memory(bytes);
    const SafetensorsFile file(memory.path());
    for (const auto& [name, tensor] : file.tensors()) touch(tensor.bytes);
  });
}

std::string read_index(Bytes bytes) {
  return outcome([&] {
    const fs::path folder = fresh_folder();
    write_bytes(folder / "model.safetensors.index.json", bytes);
    ModelFolder(folder).size_bytes();
  });
}

std::string read_gguf(Bytes bytes) {
  return outcome([&] {
    const MemoryFile memory(bytes);
    const GgufFile file(memory.path());
    for (const GgufTensor& tensor : file.tensors()) touch(tensor.bytes);
    ModelConfig::parse(nlohmann::json(gguf_model_config(file)));
  });
}

// Three files from one input: its first byte is the number of offsets, these follow, and of the rest four fifths are the ids, the last
// fifth the masks.
std::string read_token_store(Bytes bytes) {
  return outcome([&] {
    const fs::path folder = fresh_folder();
    const size_t count = bytes.empty() ? 0 : std::to_integer<size_t>(bytes.front());
    const Bytes data = bytes.empty() ? bytes : bytes.subspan(1);
    const size_t offsets = std::min(count * sizeof(uint64_t), data.size());
    const size_t ids = (data.size() - offsets) / 5 * 4;
    write_bytes(folder / "train.offsets.u64", data.first(offsets));
    write_bytes(folder / "train.ids.u32", data.subspan(offsets, ids));
    write_bytes(folder / "train.mask.u8", data.subspan(offsets + ids));
    const TokenStore store = TokenStore::open(folder, "train");
    for (int64_t i = 0; i < store.size(); ++i) touch(std::as_bytes(store[i].ids)), touch(std::as_bytes(store[i].mask));
  });
}

std::string read_events(Bytes bytes) {
  return outcome([&] {
    const fs::path folder = fresh_folder();
    fs::create_directory(folder / "events");
    write_bytes(folder / "events/rank-000.jsonl", bytes);
    EventWriter(folder, 0).write(1, "warning", {{"message", "x"}});
  });
}

std::string read_checksums(Bytes bytes) {
  return outcome([&] {
    const fs::path folder = fresh_folder();
    write_bytes(folder / "checksums.json", bytes);
    if (const auto problem = folder_problem(folder)) throw Error("checkpoint.corrupt", *problem);
  });
}

std::string nested(size_t depth, const char* open, const char* close) {
  std::string text;
  for (size_t i = 0; i < depth; ++i) text += open;
  text += "0";
  for (size_t i = 0; i < depth; ++i) text += close;
  return text;
}

std::vector<std::string> nests() {
  std::vector<std::string> all = {""};
  for (const size_t depth : {63u, 64u, 65u, 5'000u, 100'000u}) {
    all.push_back(nested(depth, "[", "]"));
    all.push_back(nested(depth, "{\"a\":", "}"));
    all.push_back(std::string(depth, '['));
  }
  return all;
}

std::string with_length(const std::string& header, const std::string& data = "") {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + data;
}

std::vector<std::string> safetensors_seeds() {
  std::vector<std::string> all;
  for (const std::string& nest : nests()) {
    all.push_back(with_length(nest));
    all.push_back(with_length("{\"__metadata__\":{\"a\":" + nest + "}}"));
  }
  const std::string two =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}})";
  all.push_back(with_length(two, std::string(32, 'x')));
  all.push_back(with_length(two, std::string(31, 'x')));
  return all;
}

std::vector<std::string> index_seeds() {
  std::vector<std::string> all = {
      R"({"metadata":{},"weight_map":{"a":"model-00001-of-00002.safetensors","b":"../x"}})"};
  for (const std::string& nest : nests()) all.push_back("{\"weight_map\":{\"a\":" + nest + "}}");
  return all;
}

std::vector<std::string> config_seeds() {
  const std::string llama =
      R"({"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":64,"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"vocab_size":100,"max_position_embeddings":128,"rms_norm_eps":1e-5,"hidden_act":"silu","rope_theta":10000.0,"tie_word_embeddings":true})";
  std::vector<std::string> all = nests();
  all.push_back(llama);
  for (const std::string& nest : nests())
    all.push_back(llama.substr(0, llama.size() - 1) + ",\"rope_scaling\":" + nest + "}");
  return all;
}

std::vector<std::string> gguf_seeds() {
  using test::GgufBuilder;
  GgufBuilder plain;
  plain.text("general.architecture", "llama").number("llama.block_count", 1).number("llama.embedding_length", 32);
  plain.number("llama.attention.head_count", 2).real("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  plain.tensor("token_embd.weight", {32, 4}, 0, std::string(512, 'e'));
  test::Bytes deep;
  for (int i = 0; i < 1000; ++i) deep.put<uint32_t>(9).put<uint64_t>(1);
  GgufBuilder nest;
  nest.key("deep", 9, deep.text());
  GgufBuilder large;
  large.key("large", 9, test::Bytes().put<uint32_t>(0).put<uint64_t>(200'000).text() + std::string(200'000, 'x'));
  GgufBuilder claims;
  claims.key("huge", 9, test::Bytes().put<uint32_t>(4).put<uint64_t>(uint64_t{1} << 60).text());
  return {plain.build(), nest.build(), large.build(), claims.build()};
}

std::vector<std::string> token_store_seeds() { return {"", "\1", std::string(64, '\1')}; }

std::vector<std::string> event_seeds() {
  std::vector<std::string> all = {
      "{\"payload\":{},\"rank\":0,\"seq\":4,\"step\":1,\"timeUs\":5,\"type\":\"started\",\"v\":1}\n",
      "{\"seq\":9223372036854775807}\n", "torn", "\n\n"};
  for (const std::string& nest : nests()) all.push_back("{\"seq\":1,\"payload\":" + nest + "}\n");
  return all;
}

std::vector<std::string> checksum_seeds() {
  std::vector<std::string> all = {
      R"({"v":1,"files":{"a":{"bytes":1,"crc32c":"00000000"},"checksums.json":{"bytes":9,"crc32c":"x"}}})"};
  for (const std::string& nest : nests()) all.push_back("{\"files\":{\"a\":" + nest + "}}");
  return all;
}

constexpr Target kTargets[] = {
    {"json", read_json, nests},
    {"spec", read_spec, config_seeds},
    {"config", read_config, config_seeds},
    {"safetensors", read_safetensors, safetensors_seeds},
    {"index", read_index, index_seeds},
    {"gguf", read_gguf, gguf_seeds},
    {"token-store", read_token_store, token_store_seeds},
    {"events", read_events, event_seeds},
    {"checksums", read_checksums, checksum_seeds},
    {"step-lines", read_step_lines, step_line_seeds},
};

}  // namespace

std::span<const Target> targets() { return kTargets; }

}  // namespace collie::fuzz
